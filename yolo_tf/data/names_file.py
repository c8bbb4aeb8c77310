"""Class-name files: a name a line, or a label map of the TF Object Detection API."""

from pathlib import Path

from yolo_tf.data.pbtxt import read_label_map
from yolo_tf.data.text_files import read_text, repeated
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
    names = [line.strip() for line in read_text(path, "a class-name file").split("\n")]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise UserError(f"{path}: found no class name, expected one a line")
    if "" in names:
        number = names.index("") + 1
        raise UserError(f"{path}: line {number}: found no class name, expected one a line")
    if twice := repeated(names):
        line, first = twice
        raise UserError(
            f"{path}: line {line + 1}: class {names[line]!r} is already on line {first + 1}, "
            "expected every name once"
        )
    return names
