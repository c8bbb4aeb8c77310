"""Recipes named on the command line: found, loaded, and their values changed by flags."""

import dataclasses
import difflib
import importlib.util
import traceback
from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.errors import UserError

_PACKAGE = Path(__file__).resolve().parents[1]
# Beside the package in a checkout, inside it when installed (setup.py).
_FOLDERS = (_PACKAGE.parent / "configs", _PACKAGE / "configs")
NO_RECIPE = _PACKAGE / "cli" / "no_recipe.py"

# What a mistake in a recipe raises.
_MISTAKES = (
    SyntaxError,
    NameError,
    AttributeError,
    TypeError,
    ValueError,
    LookupError,
    ImportError,
)


def recipe_names() -> str:
    """The packaged recipes, for messages."""
    paths = [path for folder in _FOLDERS for path in folder.glob("[a-z]*.py")]
    return ", ".join(sorted({path.stem for path in paths}))


def find_recipe(value: str) -> Path:
    """The file of a recipe given by path or by the name of a packaged one.

    Raises:
      UserError: there is none.
    """
    if Path(value).is_file():
        return Path(value)
    for folder in _FOLDERS:
        path = folder / f"{value}.py"
        if Path(value).name == value and path.is_file():
            return path
    raise UserError(f"--config={value}: no such file; packaged recipes: {recipe_names()}")


def load_recipe(path: Path) -> Config:
    """What a recipe's `get_config()` returns.

    Raises:
      UserError: the file is no Python, fails, or returns something else than a `Config`.
    """
    spec = importlib.util.spec_from_file_location("recipe", path)
    if spec is None:
        raise UserError(f"--config={path}: found no Python file (NAME.py), expected a recipe")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        config = module.get_config()
    except _MISTAKES as error:
        lines = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)
        ]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else 0)
        where = f"{path}: line {line}" if line else f"{path}"
        raise UserError(f"{where}: {type(error).__name__}: {str(error).splitlines()[0]}") from None
    if not isinstance(config, Config):
        raise UserError(
            f"{path}: get_config() returned {type(config).__name__}, expected yolo_tf.config.Config"
        )
    return config


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
            near = difflib.get_close_matches(part, names, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(names)}"
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
    """Sets "train.epochs" and the like."""
    *path, last = name.split(".")
    for part in path:
        config = getattr(config, part)
    setattr(config, last, value)
