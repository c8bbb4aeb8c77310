"""What every command shares: flags, help, and users' mistakes as one line with exit code 1."""

import dataclasses
import os
import re
import sys
import tempfile
import textwrap
from pathlib import Path

from absl import app, flags, logging
from ml_collections import config_flags

from yolo_tf.cli import recipe
from yolo_tf.cli.arguments import each_once
from yolo_tf.cli.process import open_streams, quiet_tensorflow, readers_may_leave
from yolo_tf.config import Config, recipes
from yolo_tf.config.check import check_config
from yolo_tf.errors import UserError
from yolo_tf.files import WriteError, cause, hold_folder, is_refusal, shown, written

open_streams()
quiet_tensorflow()
flags.disclaim_key_flags()  # --config belongs to the command that asks for it

_ANNOTATIONS = (".yaml", ".yml", ".json", ".csv", ".xml", ".txt", ".data")
_HELP = {"--help", "-help", "-h", "--helpshort", "-helpshort"}


def run(main, description: str, arguments: bool = False, default_recipe=None) -> None:
    """Runs `main(argv)` as an absl application; a `UserError` prints one line and exits with 1.

    So does what a file system refuses, to read or to write, wherever it happens.

    `description` is the text above the flags in --help; `arguments` tells whether the command
    takes words that are no flags; `default_recipe` gives the `DefaultRecipe` (or None) for the
    command line, where --config is not given.
    """

    def guarded(argv):
        try:
            if len(argv) > 1 and not arguments:
                raise UserError(f"unexpected argument {argv[1]!r}: give settings as --name=value")
            return main(argv)
        except UserError as error:
            return _fail(error)
        except BrokenPipeError:
            raise
        except (OSError, *_tensorflow_errors()) as error:
            if not is_refusal(error):
                raise
            return _fail(_refused(error))
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return 130

    def parse(argv):
        # Not absl's --help, which ends with 1 and knows flags of the started file alone.
        if _HELP & set(argv[1:]):
            print(_help(main.__module__, description))
            sys.exit(0)
        return _parse_flags(argv, default_recipe)

    logging.set_verbosity(logging.ERROR)
    with readers_may_leave():
        app.run(guarded, flags_parser=parse)


def define_config():
    """The flag --config=RECIPE and with it --config.NAME=VALUE for each of its values."""
    return config_flags.DEFINE_config_file(
        "config", help_string="Recipe: path of a Python file, or the name of a packaged one."
    )


def config_value(flag) -> Config:
    """The recipe with its changes.

    Raises:
      UserError: --config was not given.
    """
    if not config_given():
        raise UserError(
            f"--config is missing: name a recipe; packaged ones: {recipes.recipe_names()}"
        )
    return flag.value


def config_given() -> bool:
    """Whether the command line names a recipe."""
    path = config_flags.get_config_filename(flags.FLAGS["config"])
    return path != str(recipe.NO_RECIPE)


def config_overrides() -> dict:
    """The values given on the command line: "train.epochs" -> value."""
    return config_flags.get_override_values(flags.FLAGS["config"])


def is_data(path: str) -> bool:
    """Whether --data is a folder or an annotation file, and no pattern of records."""
    return os.path.isdir(path) or (path.lower().endswith(_ANNOTATIONS) and os.path.isfile(path))


def require(**values) -> None:
    """Raises `UserError` for the first flag that was not given."""
    for name, value in values.items():
        if not value:
            raise UserError(f"--{name} is missing (--help shows an example)")


def make_folder(flag: str, path: Path) -> None:
    """Makes a folder for results, and holds it: no other command writes there meanwhile.

    Args:
      flag: the one that named it.

    Raises:
      UserError: it cannot be made or written, or another process writes there.
    """
    make_parent(flag, path / "file")
    if not hold_folder(path):
        raise UserError(
            f"--{flag}={shown(path)}: another process is writing there; wait for its end or name"
            " another folder"
        )


def make_parent(flag: str, path: Path) -> None:
    """Makes the folder of a file, and looks whether the file can be written there.

    Raises:
      UserError: it cannot, or `path` is a folder.
    """
    place = folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        place = path  # whose own name may be too long
        is_folder = path.is_dir()
    except OSError as error:
        why = "a file is there" if isinstance(error, FileExistsError) else cause(error)
        raise UserError(f"--{flag}={shown(place)}: cannot be written: {why}") from None
    if is_folder:
        raise UserError(f"--{flag}={shown(path)}: found a folder, expected a file to write")


def _fail(error) -> int:
    kept = [Path(path).name for path in written()] if isinstance(error, WriteError) else []
    more = f" and {len(kept) - 3} more" if len(kept) > 3 else ""
    rest = f"; written before: {', '.join(kept[:3])}{more}" if kept else ""
    # Where stderr was closed, stdout may be open.
    file = sys.stdout if sys.__stderr__ is None else sys.stderr
    print(f"error: {as_started(str(error))}{rest}", file=file)
    return 1


def as_started(text: str) -> str:
    """A text with commands as the user has them: `yolo-tf train`, or scripts/train.py."""
    if not Path(sys.argv[0]).name.startswith("yolo-tf "):  # as `cli.main` leaves it
        return text
    text = re.sub(r"\bscripts/(\w+)\.py\b", r"yolo-tf \1", text)
    return re.sub(r"--config=configs/(\w+)\.py\b", r"--config=\1", text)


def _refused(error) -> WriteError:
    """What a file system refused, as a line: of reading, for all that writes files has its own."""
    path = getattr(error, "filename", None)
    if isinstance(path, bytes):
        path = path.decode(errors="replace")
    return WriteError(f"{shown(path) if path else 'standard output'}: {cause(error)}")


def _tensorflow_errors() -> tuple:
    """The class of TensorFlow's errors, if it was loaded at all."""
    found = sys.modules.get("tensorflow")
    return (found.errors.OpError,) if hasattr(found, "errors") else ()


def _help(module: str, description: str) -> str:
    lines = [description.strip(), "", "Flags:"]
    name = "__main__" if module == "__main__" else sys.modules[module].__name__
    for flag in flags.FLAGS.get_key_flags_for_module(name):
        default = "" if flag.default in (None, "") else f" Default: {flag.default_as_str}."
        text = f"--{flag.name}: {flag.help.partition(chr(10))[0]}{default}"
        lines += textwrap.wrap(text, 98, initial_indent="  ", subsequent_indent="      ")
    return as_started("\n".join(lines))


def _parse_flags(argv, default_recipe):
    try:
        if "config" in flags.FLAGS:
            argv = _with_recipe(argv, default_recipe)
        else:
            argv = [argv[0], *each_once(argv[1:], _is_switch)[0]]
        return flags.FLAGS(argv)
    except UserError as error:
        sys.exit(_fail(error))
    except (flags.Error, ValueError) as error:  # absl raises ValueError for --noNAME=VALUE
        sys.exit(_fail(_one_line(error)))
    except OSError as error:  # a recipe that cannot be read
        sys.exit(_fail(_refused(error)))


def _is_switch(name: str) -> bool | None:
    """Whether a flag is true or false; None: there is none of this name."""
    if name.startswith("config."):
        kind = _kind(name.removeprefix("config."))
        return None if kind is None else kind is bool
    return flags.FLAGS[name].boolean if name in flags.FLAGS else None


def _with_recipe(argv: list[str], default_recipe) -> list[str]:
    """Replaces a recipe's name by its path, and no recipe by a default or by plain settings.

    The recipe comes first: changes of its values may stand anywhere. Loading it here gives
    clearer messages than ml_collections has.
    """
    given, notes = each_once(argv[1:], _is_switch)
    for note in notes:
        print(f"warning: {note}", file=sys.stderr)
    rest, path = [], recipe.NO_RECIPE
    arguments = iter(given)
    for argument in arguments:
        if not re.match(r"--?config(=|$)", argument):
            rest.append(argument)
            continue
        value = argument.partition("=")[2] if "=" in argument else next(arguments, "")
        path = recipes.find_recipe(value)
    words = ""
    if path == recipe.NO_RECIPE and default_recipe and (chosen := default_recipe(rest)):
        path, words, rest = chosen.path, chosen.argument, [*chosen.flags, *rest]
        print(chosen.line)
    config = recipes.load_recipe(path, words)
    for argument in rest:
        found = re.match(r"--?(no)?config\.([^=]*)", argument)
        if found:
            recipe.check_override(config, found[2])
    argv = [argv[0], f"--config={path}{words and ':'}{words}", *rest]
    # ml_collections looks for the changes in sys.argv, not in what absl hands it.
    sys.argv = argv
    return argv


def _one_line(error) -> str:
    text = " ".join(str(error).split())
    flag = text.partition("flag --config.")[2].partition("=")[0]
    expected = _type_name(flag) if flag else ""
    return f"{text}{expected} (--help explains the flags)"


def _type_name(name: str) -> str:
    kind = _kind(name)
    return f"; expected {getattr(kind, '__name__', kind)}" if kind else ""


def _kind(name: str):
    """Type of the setting "train.epochs" and the like; None: there is none of this name."""
    kind = Config
    for part in name.split("."):
        types = {field.name: field.type for field in dataclasses.fields(kind)}
        kind = types.get(part)
        if not dataclasses.is_dataclass(kind):
            break
    return kind


DEFAULT = "yolov3_tiny"


def recipe_or_default(flag) -> tuple[Config, str]:
    """The recipe of `common.define_config`'s flag with its changes, and what to call it.

    That is the name of a packaged recipe, or the whole path of another one.

    Raises:
      UserError: a value of it is wrong.
    """
    if config_given():
        path = Path(config_flags.get_config_filename(flags.FLAGS["config"])).resolve()
        config, changes = flag.value, config_overrides()
    else:
        path, changes = recipes.find_recipe(DEFAULT), config_overrides()
        config = recipes.load_recipe(path)
    recipe.apply_changes(config, changes)
    check_config(config)
    try:
        packaged = recipes.find_recipe(path.stem).resolve() == path.resolve()
    except UserError:
        packaged = False
    return config, path.stem if packaged else str(path)
