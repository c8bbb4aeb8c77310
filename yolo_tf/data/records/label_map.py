"""What the labels of a record mean: from label numbers and class texts to class names.

One setting, `config.data.labels` or `--labels`, says it for records whose labels do not count from
0, or that have no class texts:

  ""          label i is class i; texts are class names
  one_based   label i is class i - 1, as the Object Detection API counts
  coco91      labels are COCO's category ids 1..90 with their gaps; 80 classes in COCO's order
  X.pbtxt     a label map of the Object Detection API: `item { id: 1 name: "person" }`
  tfds:NAME   the labels of a TensorFlow data set, which another class list orders anew

Class-name files, a name a line or such a label map, are read here too. Loads no TensorFlow;
`parsing.label_table` makes tensors of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import text_format

from yolo_tf.data.records.aliases import aliases_of
from yolo_tf.data.records.class_list import names_of_lines
from yolo_tf.data.records.examples import message, message_class, message_field
from yolo_tf.data.records.tfds_files import is_tfds, label_names
from yolo_tf.errors import UserError
from yolo_tf.text_files import check_class_names, read_text, repeated

KINDS = "one_based, coco91, the path of a .pbtxt label map, or tfds:NAME"
# Ids between 1 and 90 that COCO never gave to a category (algorithms.md 9.6).
_COCO_GAPS = frozenset((12, 26, 29, 30, 45, 66, 68, 69, 71, 83))
COCO_IDS = tuple(i for i in range(1, 91) if i not in _COCO_GAPS)


@dataclass(frozen=True)
class LabelMap:
    """The class behind each label and text; what is in neither is unknown."""

    by_label: dict[int, str]
    by_text: dict[str, str] = field(default_factory=dict)  # the class names among them

    @classmethod
    def of(cls, class_names: Iterable[str], labels: str = "") -> "LabelMap":
        """The map for a class list.

        Raises:
          UserError: `labels` is none of the kinds above, its file is faulty or has none of the
            classes, or coco91 meets another number of classes than 80.
        """
        _check_setting(labels)
        names = list(class_names)
        texts = {name: name for name in names} | aliases_of(names)
        if not labels:
            return cls(dict(enumerate(names)), texts)
        if labels == "one_based":
            return cls(dict(enumerate(names, start=1)), texts)
        if labels == "coco91":
            if len(names) != len(COCO_IDS):
                raise UserError(
                    f"labels=coco91: found {len(names)} classes, expected COCO's {len(COCO_IDS)}, "
                    "such as those of data/coco.names"
                )
            return cls(dict(zip(COCO_IDS, names, strict=True)), texts)
        if is_tfds(labels):
            return _checked(cls(dict(enumerate(label_names(labels))), texts), names, labels)
        by_label = {}
        for item in read_label_map(labels):
            known = [n for n in (item.display_name, item.name) if n in texts]
            by_label[item.id] = known[0] if known else item.class_name
            for text in filter(None, (item.name, item.display_name)):
                texts.setdefault(text, by_label[item.id])
        return _checked(cls(by_label, texts), names, labels)

    def indices(self, class_names: list[str]) -> tuple[dict[int, int], dict[str, int]]:
        """(label -> class index, text -> class index), of the classes in the list alone."""
        index = {name: i for i, name in enumerate(class_names)}
        index |= {other: index[name] for other, name in aliases_of(class_names).items()}
        return tuple(
            {key: index[name] for key, name in names.items() if name in index}
            for names in (self.by_label, self.by_text)
        )


def listed_names(labels: str) -> list[str] | None:
    """The class list that a setting brings with it: of a label map or a TensorFlow data set.

    Raises:
      UserError: the setting is unknown, or its file or data set is faulty.
    """
    _check_setting(labels)
    if is_tfds(labels):
        return label_names(labels)
    if labels.endswith(".pbtxt"):
        return [item.class_name for item in read_label_map(labels)]
    return None


def _check_setting(labels: str) -> None:
    known = labels in ("", "one_based", "coco91") or labels.endswith(".pbtxt") or is_tfds(labels)
    if not known:
        raise UserError(f"labels: found {labels!r}, expected {KINDS}")


def likely_labels(found: set[int], classes: int) -> str:
    """The setting that labels without text look like: "one_based", "coco91", or ""."""
    if found and found <= set(range(1, classes + 1)) and classes in found:
        return "one_based"
    if classes == len(COCO_IDS) and found <= set(COCO_IDS) and max(found, default=0) > classes:
        return "coco91"
    return ""


def _checked(label_map: LabelMap, names: list[str], labels: str) -> LabelMap:
    if not set(label_map.by_label.values()) & {*names, *aliases_of(names)}:
        theirs, ours = list(label_map.by_label.values())[:5], names[:5]
        raise UserError(
            f"labels={labels}: has none of the classes: found {', '.join(theirs)}, "
            f"expected {', '.join(ours)}"
        )
    return label_map


def read_names(path: str | Path) -> list[str]:
    """Reads a class-name file: UTF-8 text, a name a line, line 1 is class 0.

    What people write beside that is mended and said, see `class_list`. Of a label map, `*.pbtxt`,
    the names come in the order of their ids.

    Raises:
      UserError: missing, empty, an empty line between names, or a name that is twice there, too
        long, or not printable.
    """
    path = Path(path)
    if path.suffix == ".pbtxt":
        return [item.class_name for item in read_label_map(path)]
    rows = names_of_lines(read_text(path, "a class-name file").split("\n"), path)
    names = [name for _, name in rows]
    places = [f"line {line}" for line, _ in rows]
    check_class_names(names, path, places)
    return names


_MAX_BYTES = 16 * 1024 * 1024
_LabelMap = message_class(
    'name: "yolo_tf/label_map.proto" package: "yolo_tf" syntax: "proto2" '
    + message(
        "Item",
        message_field("name", 1, "STRING"),
        message_field("id", 2, "INT32"),
        message_field("display_name", 3, "STRING"),
    )
    + message(
        "LabelMap", message_field("item", 1, "MESSAGE", repeated=True, message="yolo_tf.Item")
    ),
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
    places = [f"item {number}" for number in range(1, len(items) + 1)]
    check_class_names([item.class_name for item in items], path, places)
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
