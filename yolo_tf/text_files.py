"""Text, YAML, JSON and class lists of files that others wrote: bounded before they are read."""

import json
import os
import stat
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import yaml

from yolo_tf.errors import UserError

MAX_CLASSES = 30_000
MAX_CLASS_NAME = 200  # characters
_MOST = 256 * 1024 * 1024  # bytes: of a list of images, some millions of lines
_MOST_YAML = 512 * 1024  # bytes
_MAX_DEPTH = 16  # of lists in lists; the parser's time grows with its square
# Characters; the time for a number grows with the square of its digits, and of one with more than
# 4300, though it was written in hexadecimal, Python makes no text.
_MAX_SCALAR = 3500
# What the YAML parser raises on odd scalars, besides its own errors.
_YAML_ERRORS = (
    yaml.YAMLError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)


def check_file(path: Path, what: str = "a file", most: int | None = None) -> None:
    """Makes sure that a path is a regular file: opening a pipe would wait forever.

    Args:
      what: it should be, for the message.
      most: bytes.

    Raises:
      UserError: missing, a folder, a device or a pipe, or too large.
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{path}: not readable as {what}: {reason}") from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device or pipe"
        raise UserError(f"{path}: found {kind}, expected {what}")
    if most is not None and found.st_size > most:
        raise UserError(f"{path}: found more than {most} bytes, expected {what} with fewer")


def read_text(path: Path, what: str = "UTF-8 text", most: int = _MOST) -> str:
    """The text of a file, without a byte order mark.

    Args:
      what: it should be, for the message.
      most: bytes.

    Raises:
      UserError: missing, no regular file, too large, or no UTF-8.
    """
    check_file(path, what, most)
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as {what}: {error}") from None


def read_yaml(path: Path):
    """The plain values of a YAML file: no objects, no aliases, nothing deep or endless.

    Raises:
      UserError: as `read_text`; no YAML, or beyond one of these limits.
    """
    text = read_text(path, most=_MOST_YAML)
    try:
        _check_events(text)
        return yaml.safe_load(text)
    except _YAML_ERRORS as error:
        problem = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: not readable as YAML: {problem}") from None


def read_json(path: Path, most: int = _MOST, what: str = "JSON"):
    """The value of a JSON file.

    Raises:
      UserError: as `read_text`; no JSON, nested too deeply, or a number of thousands of digits.
    """
    text = read_text(path, what, most)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not readable as {what}: {str(error)[:200]}") from None


def check_class_names(names: Sequence[str], file, places: Sequence[str] = ()) -> None:
    """Makes sure of a list of class names: how many, how long, printable, each once.

    Args:
      file: that lists them, for the message.
      places: of the names in it, such as "line 3"; (): "class 2", counted from 0.

    Raises:
      UserError: for the first that is wrong.
    """
    if not names:
        raise UserError(f"{file}: found no class name, expected at least one")
    if len(names) > MAX_CLASSES:
        raise UserError(f"{file}: found {len(names)} classes, expected at most {MAX_CLASSES}")
    for position, name in enumerate(names):
        blank = not isinstance(name, str) or not name.strip()
        expected = "a class name" if blank else name_problem(name)
        if expected:
            where = places[position] if places else f"class {position}"
            raise UserError(f"{file}: {where}: found {name!r:.60}, expected {expected}")
    if twice := repeated(names):
        again, before = (places[p] if places else f"class {p}" for p in twice)
        raise UserError(
            f"{file}: {again}: found {names[twice[0]]!r}, which {before} has, "
            "expected every name once"
        )


def name_problem(name: str) -> str:
    """What was expected in place of a text that is no class name; "" for one that is."""
    if len(name) > MAX_CLASS_NAME:
        return f"a class name of at most {MAX_CLASS_NAME} characters"
    return "" if _printable(name) else "a class name of printable characters"


def _printable(name: str) -> bool:
    # str.isprintable takes the other spaces for unprintable, such as the no-break one.
    return all(c.isprintable() or unicodedata.category(c) == "Zs" for c in name)


def repeated(values) -> tuple[int, int] | None:
    """(position, first position), from 0, of the first value that is there a second time.

    "", an empty line, may be there again and again.
    """
    first = {}
    for position, value in enumerate(values):
        if value != "" and first.setdefault(value, position) != position:
            return position, first[value]
    return None


def _check_events(text: str) -> None:
    """Raises `yaml.YAMLError` for what serves no settings, but can fill any memory or time."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):  # merged again and again
            raise yaml.YAMLError("found an alias (*name), expected plain values")
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > _MAX_SCALAR:
            raise yaml.YAMLError(f"found a value of more than {_MAX_SCALAR} characters")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise yaml.YAMLError(f"found more than {_MAX_DEPTH} lists in one another")
