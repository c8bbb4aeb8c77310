"""The files that say what a model is, beside its weights: in a run folder and in an export."""

import dataclasses
from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.config_io import read_config, write_config
from yolo_tf.darknet.fit import fitted_cfg_text
from yolo_tf.errors import UserError
from yolo_tf.files import read_lines, write_lines, write_text

CONFIG = "config.yaml"
CLASSES = "classes.txt"
CFG = "model.cfg"  # only of a network built from a Darknet cfg


def write_recipe(folder: Path, config: Config, class_names: list[str]) -> None:
    """Writes config.yaml and classes.txt, and the cfg that the network was built from, fitted.

    The folder can be moved: its config.yaml names its own copy of the cfg.
    """
    write_lines(folder / CLASSES, class_names)
    if config.model.cfg:
        write_text(folder / CFG, fitted_cfg_text(config, len(class_names)))
        config = dataclasses.replace(config, model=dataclasses.replace(config.model, cfg=CFG))
    write_config(config, folder / CONFIG)


def read_recipe(folder: Path) -> tuple[Config, list[str]]:
    """The config and the class names that `write_recipe` wrote.

    Raises:
      UserError: a file is missing or is not what it should be.
    """
    config = read_config(folder / CONFIG)
    if config.model.cfg:
        config.model.cfg = str(folder / CFG)
    try:
        return config, read_lines(folder / CLASSES)
    except (OSError, UnicodeDecodeError):
        raise UserError(
            f"{folder / CLASSES}: not readable; it lists the classes of the model"
        ) from None
