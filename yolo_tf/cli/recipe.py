"""Recipes named on the command line: found, loaded, and their values changed by flags."""

import dataclasses
from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.config.recipes import (  # noqa: F401 - fit_anchors' older recipes import from here
    _PACKAGE,
    find_recipe,
    load_recipe,
)
from yolo_tf.errors import UserError, did_you_mean

NO_RECIPE = Path(__file__).with_name("no_recipe.py")


def check_override(config: Config, name: str) -> None:
    """Makes sure that "train.epochs" and the like is one value of a recipe.

    Raises:
      UserError: no such name, with the nearest right one; or more than a single value.
    """
    value, path = config, name.split(".")
    for depth, part in enumerate(path):
        where = ".".join(["config", *path[:depth]])
        if not dataclasses.is_dataclass(value):
            raise UserError(f"--config.{name}: {where} is a single value; set --{where} itself")
        names = [field.name for field in dataclasses.fields(value)]
        if part not in names:
            hint = did_you_mean(part, names, otherwise="it has")
            raise UserError(f"--config.{name}: {where} has no {part!r}; {hint}")
        value = getattr(value, part)
    if dataclasses.is_dataclass(value):
        names = ", ".join(field.name for field in dataclasses.fields(value))
        raise UserError(f"--config.{name}: is a group of values; set one of its {names}")
    if isinstance(value, dict):
        raise UserError(f"--config.{name}: cannot be set by a flag; write a recipe file for it")


def get_value(config, name: str):
    """The value of "train.epochs" and the like."""
    for part in name.split("."):
        config = getattr(config, part)
    return config


def apply_changes(config: Config, changes: dict) -> list[str]:
    """Sets the values given by flags; a Darknet cfg among them goes first, the others over it.

    Args:
      config: changed in place.
      changes: "train.epochs" and the like -> value.

    Returns:
      Remarks about the cfg file for the user.
    """
    remarks = []
    if changes.get("model.cfg"):
        from yolo_tf.darknet.recipe import apply_cfg

        path = changes["model.cfg"]
        found = apply_cfg(config, path, changes.get("input_size"))
        remarks = [f"{path}: {remark}" for remark in found]
    for name, value in changes.items():
        set_value(config, name, value)
    return remarks


def set_value(config, name: str, value) -> None:
    """Sets "train.epochs" and the like; --config.NAME= empties a list."""
    *path, last = name.split(".")
    if value == ("",):
        value = ()
    for part in path:
        config = getattr(config, part)
    setattr(config, last, value)
