"""The recipe of a command that works on data: the one named, with its Darknet cfg, or a default."""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from yolo_tf.cli import common, recipe
from yolo_tf.config import Config
from yolo_tf.config_check import check_config

DEFAULT = "yolov3_tiny"


def recipe_or_default(flag) -> tuple[Config, str]:
    """The recipe of `common.define_config`'s flag with its changes, and what to call it.

    That is the name of a packaged recipe, or the whole path of another one.

    Raises:
      UserError: a value of it is wrong.
    """
    if common.config_given():
        path = Path(config_flags.get_config_filename(flags.FLAGS["config"])).resolve()
        config, changes = flag.value, common.config_overrides()
    else:
        path, changes = recipe.find_recipe(DEFAULT), common.config_overrides()
        config = recipe.load_recipe(path)
    recipe.apply_changes(config, changes)
    check_config(config)
    try:
        packaged = recipe.find_recipe(path.stem).resolve() == path.resolve()
    except recipe.UserError:
        packaged = False
    return config, path.stem if packaged else str(path)
