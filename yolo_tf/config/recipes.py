"""Recipe files: found by path or by the name of a packaged one, and loaded."""

import importlib.util
import traceback
from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.errors import UserError

_PACKAGE = Path(__file__).resolve().parents[1]


# Beside the package in a checkout, inside it when installed (setup.py).
_FOLDERS = (_PACKAGE.parent / "configs", _PACKAGE / "configs")


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


def load_recipe(path: Path, argument: str = "") -> Config:
    """What a recipe's `get_config()` returns; an argument is handed to it.

    Raises:
      UserError: the file is no Python, fails, or returns something else than a `Config`.
    """
    spec = importlib.util.spec_from_file_location("recipe", path)
    if spec is None:
        raise UserError(f"--config={path}: found no Python file (NAME.py), expected a recipe")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        config = module.get_config(*filter(None, [argument]))
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
