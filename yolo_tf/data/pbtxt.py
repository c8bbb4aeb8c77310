"""Label maps of the TF Object Detection API, `.pbtxt`: `item { id: 1 name: "person" }`."""

from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format

from yolo_tf.data.protos import field, message, message_class
from yolo_tf.errors import UserError
from yolo_tf.text_files import check_class_names, read_text, repeated

_MAX_BYTES = 16 * 1024 * 1024
_LabelMap = message_class(
    'name: "yolo_tf/label_map.proto" package: "yolo_tf" syntax: "proto2" '
    + message(
        "Item",
        field("name", 1, "STRING"),
        field("id", 2, "INT32"),
        field("display_name", 3, "STRING"),
    )
    + message("LabelMap", field("item", 1, "MESSAGE", repeated=True, message="yolo_tf.Item")),
    "yolo_tf.LabelMap",
)


@dataclass(frozen=True)
class LabelItem:
    """One class of a label map."""

    id: int
    name: str
    display_name: str  # "" where the file has none

    @property
    def class_name(self) -> str:
        """What people call it."""
        return self.display_name or self.name


def read_label_map(path: str | Path) -> list[LabelItem]:
    """The items of a `.pbtxt` label map, sorted by id; fields of no use to us are passed over.

    Raises:
      UserError: missing, no label map, an item without id or name, or an id or name twice.
    """
    path = Path(path)
    text, content = read_text(path, "a label map", _MAX_BYTES), _LabelMap()
    try:
        text_format.Parse(text, content, allow_unknown_field=True)
    except (text_format.ParseError, ValueError, RecursionError) as error:
        line = error.GetLine() if isinstance(error, text_format.ParseError) else None
        found = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: line {line or 1}: found {found.rpartition(' : ')[2].rstrip('.')}; "
            "expected items such as item { id: 1 name: 'x' }"
        ) from None
    items = []
    for number, item in enumerate(content.item, start=1):
        if not item.HasField("id") or item.id < 0:
            found = item.id if item.HasField("id") else "none"
            raise UserError(f"{path}: item {number}: id: found {found}, expected 0 or more")
        items.append(LabelItem(item.id, item.name.strip(), item.display_name.strip()))
        name = items[-1].class_name
        if not name or not name.isprintable():
            raise UserError(f"{path}: item {number}: name: found {name!r}, expected a name")
    _check_unique(path, items)
    check_class_names([item.class_name for item in items], path, "item {}", first=1)
    return sorted(items, key=lambda item: item.id)


def _check_unique(path: Path, items: list[LabelItem]) -> None:
    if not items:
        raise UserError(f"{path}: found no item, expected one a class")
    for field_name, values in (
        ("id", [item.id for item in items]),
        ("name", [item.class_name for item in items]),
    ):
        if twice := repeated(values):
            item, first = twice
            raise UserError(
                f"{path}: item {item + 1}: {field_name}: found {values[item]!r}, which item "
                f"{first + 1} has, expected each once"
            )
