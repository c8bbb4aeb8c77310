"""Class names: from a names file or a data set card, and checked against records."""

import os
from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError

from yolo_tf.data.card import find_card, read_card
from yolo_tf.data.sources.base import nearest
from yolo_tf.data.tfrecord import find_shards, read_records
from yolo_tf.errors import UserError

_TEXT, _LABEL = "image/object/class/text", "image/object/class/label"


def read_names(path: str | Path) -> list[str]:
    """Reads a class-name file: UTF-8 text, a name a line, line 1 is class 0.

    Raises:
      UserError: missing, empty, an empty line between names, or a name twice.
    """
    path = Path(path)
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


def find_names(pattern: str, names_file: str = "") -> list[str]:
    """The class list for records: of `names_file` if given, else of the card beside the shards.

    Raises:
      UserError: no shard matches, there is neither names file nor card, or one is faulty.
    """
    find_shards(pattern)  # a wrong pattern is the likelier mistake than a missing card
    if names_file:
        return read_names(names_file)
    card = find_card(pattern)
    if card is None:
        raise UserError(
            f"{pattern}: no data set card NAME.json beside these shards; expected one, or a "
            "class-name file (config.data.names)"
        )
    return read_card(card).classes


def check_classes(pattern: str, class_names: list[str], label_offset: int = 0) -> None:
    """Makes sure that every class in records is known, before they are used.

    Shards that a card accounts for, to the byte, are known from it; others are read once.

    Args:
      pattern: shard path or glob, commas between several.

    Raises:
      UserError: for the first unknown class: shard, record number, the name, the nearest known.
    """
    for part in filter(None, (p.strip() for p in pattern.split(","))):
        paths = find_shards(part)
        if not _known_by_card(part, paths, class_names):
            check_records(paths, class_names, label_offset)


def check_records(paths: Iterable[str], class_names: list[str], label_offset: int = 0) -> None:
    """`check_classes` by reading every record of the files."""
    names = {name.encode() for name in class_names}
    labels = range(label_offset, label_offset + len(class_names))
    for path, number, record in read_records(paths):
        try:
            features = tf.train.Example.FromString(record).features.feature
        except DecodeError:
            raise UserError(f"{path}: record {number}: found no tf.train.Example") from None
        texts = features[_TEXT].bytes_list.value
        for text in texts:
            if text not in names:
                name = text.decode(errors="replace")
                hint = _listed(class_names) + nearest(name, class_names)
                raise _unknown(path, number, _TEXT, repr(name), hint)
        for label in () if texts else features[_LABEL].int64_list.value:
            if label not in labels:
                hint = f"{labels.start} to {labels.stop - 1} (label_offset is {label_offset})"
                raise _unknown(path, number, _LABEL, str(label), hint)


def _unknown(path, number, field, found, expected):
    return UserError(f"{path}: record {number}: {field}: found {found}, expected {expected}")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"one of the {len(names)} classes {', '.join(names[:20])}{more}"


def _known_by_card(pattern: str, paths: list[str], class_names: list[str]) -> bool:
    card_path = find_card(pattern)
    if card_path is None:
        return False
    card = read_card(card_path)
    if not set(card.classes) <= set(class_names):
        return False
    sizes = {}
    for path in paths:
        split = os.path.basename(path).split(".tfrecord")[0].removeprefix(f"{card.name}-")
        sizes[split] = sizes.get(split, 0) + os.path.getsize(path)
    entries = {split: card.splits.get(split, {}).get("bytes") for split in sizes}
    return entries == sizes
