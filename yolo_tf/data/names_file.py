"""Class-name files: a name a line, or a label map of the TF Object Detection API."""

from pathlib import Path

from yolo_tf.data.pbtxt import read_label_map
from yolo_tf.errors import UserError


def read_names(path: str | Path) -> list[str]:
    """Reads a class-name file: UTF-8 text, a name a line, line 1 is class 0.

    Of a label map, `*.pbtxt`, the names come in the order of their ids.

    Raises:
      UserError: missing, empty, an empty line between names, or a name twice.
    """
    path = Path(path)
    if path.suffix == ".pbtxt":
        return [item.class_name for item in read_label_map(path)]
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as a class-name file: {error}") from None
    names = [line.strip() for line in lines]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise UserError(f"{path}: found no class name, expected one a line")
    first = {}
    for number, name in enumerate(names, start=1):
        if not name:
            raise UserError(f"{path}: line {number}: found no class name, expected one a line")
        if first.setdefault(name, number) != number:
            raise UserError(
                f"{path}: line {number}: class {name!r} is already on line {first[name]}, "
                "expected every name once"
            )
    return names
