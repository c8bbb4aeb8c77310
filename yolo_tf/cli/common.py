"""What every command shares: flags, recipes, and users' mistakes as one line with exit code 1."""

import dataclasses
import difflib
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is first imported

from absl import app, flags, logging
from ml_collections import config_flags

from yolo_tf.errors import UserError

_PACKAGE = Path(__file__).resolve().parents[1]
# Recipes: beside the package in a checkout, inside it when installed (setup.py).
_RECIPE_FOLDERS = (_PACKAGE.parent / "configs", _PACKAGE / "configs")
_NO_RECIPE = _PACKAGE / "cli" / "no_recipe.py"


def run(main, description: str) -> None:
    """Runs `main(argv)` as an absl application; a `UserError` prints one line and exits with 1.

    `description` is the text above the flags in --help.
    """

    def guarded(argv):
        try:
            if len(argv) > 1:
                raise UserError(f"unexpected argument {argv[1]!r}: give settings as --name=value")
            return main(argv)
        except UserError as error:
            return _fail(error)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return 130

    sys.modules["__main__"].__doc__ = description
    logging.set_verbosity(logging.ERROR)
    app.run(guarded, flags_parser=_parse_flags)


def define_config():
    """The flag --config=RECIPE and with it --config.NAME=VALUE for each of its values."""
    return config_flags.DEFINE_config_file(
        "config", help_string="Recipe: path of a Python file, or the name of a packaged one."
    )


def config_value(flag):
    """The recipe with its changes.

    Raises:
      UserError: --config was not given, or its file is missing.
    """
    path = config_flags.get_config_filename(flags.FLAGS["config"])
    if path == str(_NO_RECIPE):
        raise UserError(f"--config is missing: name a recipe; packaged ones: {_recipe_names()}")
    return flag.value


def config_overrides(flag) -> dict:
    """The values given on the command line: "train.epochs" -> value."""
    del flag
    return config_flags.get_override_values(flags.FLAGS["config"])


def require(**values) -> None:
    """Raises `UserError` for the first flag that was not given."""
    for name, value in values.items():
        if not value:
            raise UserError(f"--{name} is missing (--help shows an example)")


def make_folder(flag: str, path: Path) -> None:
    """Makes a folder for results; `flag` is the one that named it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--{flag}: cannot make the folder {path}: {error.strerror}") from None


def set_value(config, name: str, value) -> None:
    """Sets "train.epochs" and the like."""
    *path, last = name.split(".")
    for part in path:
        config = getattr(config, part)
    setattr(config, last, value)


def _fail(error) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 1


def _parse_flags(argv):
    try:
        if "config" in flags.FLAGS:
            argv = _with_recipe(argv)
        return flags.FLAGS(argv)
    except UserError as error:
        sys.exit(_fail(error))
    except flags.Error as error:
        sys.exit(_fail(_one_line(error)))
    except KeyError as error:
        unknown = _unknown_config_name(argv)
        if unknown is None:
            raise
        sys.exit(_fail(UserError(unknown) if error else error))


def _with_recipe(argv: list[str]) -> list[str]:
    """Replaces a recipe's name by its path, and no recipe by one with the defaults alone."""
    argv = list(argv)
    for index, argument in enumerate(argv):
        name, _, value = argument.lstrip("-").partition("=")
        if name != "config" or not argument.startswith("-"):
            continue
        if not value and index + 1 < len(argv):  # --config NAME
            value = argv.pop(index + 1)
        argv[index] = f"--config={_recipe_path(value)}"
        return argv
    return [argv[0], f"--config={_NO_RECIPE}", *argv[1:]]


def _recipe_path(value: str) -> Path:
    if Path(value).is_file():
        return Path(value)
    for folder in _RECIPE_FOLDERS:
        path = folder / f"{value}.py"
        if Path(value).name == value and path.is_file():
            return path
    raise UserError(f"--config={value}: no such file; packaged recipes: {_recipe_names()}")


def _recipe_names() -> str:
    paths = [path for folder in _RECIPE_FOLDERS for path in folder.glob("[a-z]*.py")]
    return ", ".join(sorted({path.stem for path in paths}))


def _one_line(error) -> str:
    text = str(error).replace("\n", " ")
    flag = text.partition("flag --config.")[2].partition("=")[0]
    expected = _type_name(flag) if flag else ""
    return f"{text}{expected} (--help lists all settings)"


def _type_name(name: str) -> str:
    from yolo_tf.config import Config

    kind = Config
    for part in name.split("."):
        types = {field.name: field.type for field in dataclasses.fields(kind)}
        kind = types.get(part)
        if not dataclasses.is_dataclass(kind):
            break
    return f"; expected {getattr(kind, '__name__', kind)}" if kind else ""


def _unknown_config_name(argv: list[str]) -> str | None:
    """One line for the first --config.NAME that the recipe does not have."""
    for argument in argv:
        if not argument.startswith("--config."):
            continue
        value = flags.FLAGS["config"].value
        path = argument.partition("=")[0].split(".")[1:]
        for depth, part in enumerate(path):
            if not dataclasses.is_dataclass(value):
                break
            names = [field.name for field in dataclasses.fields(value)]
            if part not in names:
                near = difflib.get_close_matches(part, names, n=1, cutoff=0.4)
                where = ".".join(["config", *path[:depth]])
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(names)}"
                return f"--config.{'.'.join(path)}: {where} has no {part!r}; {hint}"
            value = getattr(value, part)
    return None
