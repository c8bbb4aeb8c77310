"""The data set card NAME.json beside the shards: class list, counts, and what was skipped."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from yolo_tf.errors import UserError
from yolo_tf.files import alone_with, write_text
from yolo_tf.patterns import match, split_patterns
from yolo_tf.text_files import check_class_names, read_json


@dataclass
class Card:
    """What is known of a data set, all its splits.

    `splits[SPLIT]` holds "images", "boxes", "boxes_per_class" {class name: count}, "shards" and
    "bytes" (of all shards together), "counts" {what became of images and boxes: how many}, and the
    issues as `Issue.to_dict` gives them: "skipped" (images and boxes that are not in the records)
    and "changed" (mended). Of more than 1000 in one of these lists, the file beside the card that
    "issues" names has all.
    """

    name: str
    classes: list[str]  # in index order
    splits: dict[str, dict] = field(default_factory=dict)


def read_card(path: str | Path) -> Card:
    """Reads a card.

    Raises:
      UserError: it is missing, no JSON, or lacks a field.
    """
    path = Path(path)
    content = read_json(path, what="a data set card")
    for key, kind in (("name", str), ("classes", list), ("splits", dict)):
        value = content.get(key) if isinstance(content, dict) else None
        if not isinstance(value, kind):
            found = type(value).__name__ if value is not None else "nothing"
            raise UserError(
                f"{path}: {key}: found {found}, expected a {kind.__name__}; a data set card is "
                "written by build_tfrecords"
            )
    classes = content["classes"]
    check_class_names(classes, f"{path}: classes")
    for split, entry in content["splits"].items():
        if not isinstance(entry, dict):
            raise UserError(f"{path}: splits.{split}: found {entry!r:.80}, expected an object")
    return Card(content["name"], classes, content["splits"])


def update_card(path: str | Path, name: str, classes: list[str], split: str, entry: dict) -> Card:
    """Writes one split into the card, keeping the others. A reader sees the old or the new whole.

    Processes that enter their splits at the same moment wait for each other.

    Raises:
      UserError: the card there has other classes.
    """
    path = Path(path)
    with alone_with(path):
        card = Card(name, list(classes))
        if path.exists():
            card = read_card(path)
            check_same_classes(path, card.classes, classes)
        card.splits[split] = entry
        content = {"name": card.name, "classes": card.classes}
        content["splits"] = {key: card.splits[key] for key in sorted(card.splits)}
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return card


def check_same_classes(path: str | Path, recorded: list[str], classes: list[str]) -> None:
    """Raises `UserError` unless the card at `path` lists `classes` in the same order."""
    if recorded == list(classes):
        return
    only_card = [name for name in recorded if name not in classes]
    only_data = [name for name in classes if name not in recorded]
    difference = "the order differs"
    if only_card or only_data:
        found, expected = _first(only_card), _first(only_data)
        difference = f"only in the card: {found}; only in the data or names: {expected}"
    raise UserError(
        f"{path}: classes: found {len(recorded)}, expected the {len(classes)} of this build; "
        f"{difference}. All splits of a data set share one class list: give --names, or build "
        "under another --name"
    )


def _first(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more if names else "none"


def find_card(pattern: str) -> Path | None:
    """The card that belongs to shards, or None.

    Args:
      pattern: shard path or glob, commas between several: of `DIR/bccd-train.tfrecord-*` the card
        is `DIR/bccd.json`. Names of data sets and splits may have dashes.

    Raises:
      UserError: the patterns have cards with different class lists.
    """
    found = []
    for part in split_patterns(pattern):
        paths = [Path(path) for path in (part, *match(part)[:1])]
        found += [card for path in paths for card in _cards_of(path.parent, path.name)][:1]
    if not found:
        return None
    first = read_card(found[0])
    for other in found[1:]:
        check_same_classes(other, read_card(other).classes, first.classes)
    return found[0]


def _cards_of(folder: Path, shard: str) -> list[Path]:
    """Cards whose name begins this shard's name at a dash, longest first."""
    stem = shard.split(".tfrecord")[0]
    for position, letter in enumerate(stem):
        if letter in "*?[":
            stem = stem[:position]
            break
    parts = stem.split("-")
    names = ["-".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return [folder / f"{n}.json" for n in names if n and (folder / f"{n}.json").is_file()]
