"""Darknet's .data files: `classes = 20`, `train = train.txt`, `valid = ...`, `names = ...`."""

from pathlib import Path

from yolo_tf.data.names_file import read_names
from yolo_tf.data.sources.yolo_paths import locate, read_text
from yolo_tf.errors import UserError


def read_data_file(path: Path) -> dict[str, str]:
    """The settings of a .data file, as text.

    Raises:
      UserError: a line is no `key = value`, or a key is there twice.
    """
    settings = {}
    for position, line in enumerate(read_text(path).split("\n"), start=1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not key or not value:
            found = repr(line[:60])
            raise UserError(f"{path}: line {position}: found {found}, expected key = value")
        if key in settings:
            raise UserError(f"{path}: line {position}: found {key!r} twice, expected it once")
        settings[key] = value
    return settings


def data_names(path: Path, settings: dict[str, str]) -> list[str] | None:
    """The class names of a .data file's names file; None where it names none.

    Raises:
      UserError: the names file is missing or faulty, or has not as many names as `classes` says.
    """
    if "names" not in settings:
        return None
    found = locate(path.parent, settings["names"])
    if found is None:
        expected = f"a file inside {path.parent}/"
        raise UserError(f"{path}: names: found {settings['names']!r}, expected {expected}")
    names = read_names(found)
    if "classes" in settings and settings["classes"] != str(len(names)):
        raise UserError(
            f"{path}: classes: found {settings['classes']!r}, expected {len(names)}, the number "
            f"of names in {found}"
        )
    return names
