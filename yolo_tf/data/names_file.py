"""Class-name files: a name a line, or a label map of the TF Object Detection API."""

from pathlib import Path

from yolo_tf.data.pbtxt import read_label_map
from yolo_tf.text_files import check_class_names, read_text


def read_names(path: str | Path) -> list[str]:
    """Reads a class-name file: UTF-8 text, a name a line, line 1 is class 0.

    Of a label map, `*.pbtxt`, the names come in the order of their ids.

    Raises:
      UserError: missing, empty, an empty line between names, or a name that is twice there, too
        long, or not printable.
    """
    path = Path(path)
    if path.suffix == ".pbtxt":
        return [item.class_name for item in read_label_map(path)]
    names = [line.strip() for line in read_text(path, "a class-name file").split("\n")]
    while names and not names[-1]:
        names.pop()
    check_class_names(names, path, "line {}", first=1)
    return names
