"""The files that say what a model is, beside its weights: in a run folder and in an export."""

import dataclasses
from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.config.yaml_files import read_config, write_config
from yolo_tf.darknet.recipe import fitted_cfg_text
from yolo_tf.errors import UserError
from yolo_tf.files import write_lines, write_text
from yolo_tf.text_files import check_class_names, read_text

CONFIG = "config.yaml"
CLASSES = "classes.txt"
CFG = "model.cfg"  # only of a network built from a Darknet cfg
_MOST_CLASSES = 32 * 1024 * 1024  # bytes of a class list


def write_recipe(folder: Path, config: Config, class_names: list[str]) -> None:
    """Writes config.yaml and classes.txt, and the cfg that the network was built from, fitted.

    The folder can be moved: its config.yaml names its own copy of the cfg.
    """
    write_lines(folder / CLASSES, class_names)
    if config.model.cfg:
        write_text(folder / CFG, fitted_cfg_text(config, len(class_names)))
        config = dataclasses.replace(config, model=dataclasses.replace(config.model, cfg=CFG))
    write_config(config, folder / CONFIG)


def run_of(path: Path, name: str) -> Path:
    """The run folder at a path, which may be that of one of the run's checkpoints.

    Args:
      name: of the setting or flag that gives the path.

    Raises:
      UserError: it is neither.
    """
    run = path.parent.parent if (path / "variables.index").exists() else path
    if not (run / CONFIG).exists():
        raise UserError(
            f"{name}={path}: neither a run folder ({CONFIG}) nor a checkpoint inside one"
        )
    return run


def read_recipe(folder: Path) -> tuple[Config, list[str]]:
    """The config and the class names that `write_recipe` wrote.

    Raises:
      UserError: a file is missing or is not what it should be.
    """
    config = read_config(folder / CONFIG)
    if config.model.cfg:
        config.model.cfg = str(folder / CFG)
    return config, _read_classes(folder / CLASSES)


def _read_classes(path: Path) -> list[str]:
    # Not splitlines(), which also breaks lines at other characters than the newline.
    lines = read_text(path, "the class list of a model", _MOST_CLASSES).split("\n")
    names = [line for line in lines if line]
    check_class_names(names, path)
    return names
