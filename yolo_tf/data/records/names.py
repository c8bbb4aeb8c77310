"""Class names: from a names file or a data set card, and checked against records."""

import os
from collections.abc import Iterable

from yolo_tf.data.checks import BadRecord, show
from yolo_tf.data.images import check_header
from yolo_tf.data.records.aliases import aliases_of, said
from yolo_tf.data.records.card import find_card, read_card
from yolo_tf.data.records.class_list import say
from yolo_tf.data.records.examples import parse_record
from yolo_tf.data.records.files import find_shards, read_records
from yolo_tf.data.records.keys import LABEL, TEXT
from yolo_tf.data.records.label_map import LabelMap, likely_labels, listed_names, read_names
from yolo_tf.data.records.tfds_files import is_tfds, label_names
from yolo_tf.errors import UserError, nearest
from yolo_tf.patterns import split_patterns


def find_names(pattern: str, names_file: str = "", labels: str = "") -> list[str]:
    """The class list for records.

    That of `names_file` if given, else of the label map that `labels` names, else of the data set
    if the pattern is TFDS's, else of the card beside the shards.

    Args:
      pattern: shard path, glob or tfds:NAME:SPLIT, commas between several.
      labels: `config.data.labels`, see `label_map`.

    Raises:
      UserError: no shard matches, nothing names the classes, or what does is faulty.
    """
    find_shards(pattern)  # a wrong pattern is the likelier mistake than a missing card
    listed = listed_names(labels)
    if names_file:
        return read_names(names_file)
    if listed is not None:
        return listed
    for part in split_patterns(pattern):
        if is_tfds(part):
            return label_names(part)
    card = find_card(pattern)
    if card is None:
        raise UserError(
            f"{pattern}: no data set card NAME.json beside these shards; expected one, or a "
            "class-name file (config.data.names)"
        )
    return read_card(card).classes


def check_classes(pattern: str, class_names: list[str], labels: str = "") -> None:
    """Makes sure that every class in records is known, before they are used.

    Shards that a card accounts for, to the byte, are known from it, data sets of TFDS from their
    description; other records are read once, and the sizes of their images are checked too.

    Args:
      pattern: shard path, glob or tfds:NAME:SPLIT, commas between several.
      labels: `config.data.labels`, see `label_map`.

    Raises:
      UserError: for the first unknown class: shard, record number, the name, the nearest known.
    """
    label_map = LabelMap.of(class_names, labels)
    for part in split_patterns(pattern):
        paths = find_shards(part)
        if is_tfds(part):
            _check_tfds(part, class_names, label_map)
        elif not _known_by_card(part, paths, class_names):
            check_records(paths, class_names, label_map)


def check_records(
    paths: Iterable[str], class_names: list[str], label_map: LabelMap | None = None
) -> None:
    """`check_classes` by reading every record of the files."""
    label_map = label_map or LabelMap.of(class_names)
    by_label, by_text = label_map.indices(class_names)
    seen, unknown = set(), None  # of labels without texts
    aliases = aliases_of(class_names)
    for path, number, serialized in read_records(paths):
        record = _parse(serialized, path, number)
        for text in record.texts:
            if text not in by_text:
                hint = _listed(class_names) + nearest(text, class_names)
                raise _unknown(path, number, TEXT, show(text), hint)
            _say_alias(text, aliases)
        if not record.texts:
            seen.update(record.labels)
            new = [label for label in record.labels if label not in by_label]
            unknown = unknown or (path, number, new[0]) if new else unknown
    if unknown:
        path, number, label = unknown
        hint = f"{_ranges(by_label)}, the labels of the {len(by_label)} classes"
        likely = likely_labels(seen, len(class_names))
        if likely:
            hint += f"; the labels run from {min(seen)} to {max(seen)}: set config.data.labels"
            hint += f" (--labels) to {likely}, or to the label map X.pbtxt of the records"
        raise _unknown(path, number, LABEL, str(label), hint)


def _parse(serialized: bytes, path: str, number: int):
    try:
        record = parse_record(serialized, path, f"record {number}")
        check_header(record.image, record.source_id, f"{path}: record {number}")
    except BadRecord as error:
        raise UserError(str(error)) from None
    return record


def _ranges(labels: Iterable[int]) -> str:
    """ "1 to 11, 13 to 25" of sorted numbers."""
    parts = []
    for label in sorted(labels):
        if parts and label == parts[-1][1] + 1:
            parts[-1][1] = label
        else:
            parts.append([label, label])
    return ", ".join(f"{a} to {b}" if b > a else str(a) for a, b in parts)


def _check_tfds(pattern: str, class_names: list[str], label_map: LabelMap) -> None:
    """The classes of a data set of TFDS by its description, each under its own label."""
    aliases = aliases_of(class_names)
    for label, name in enumerate(label_names(pattern)):
        _say_alias(name, aliases)
        if name not in class_names and name not in aliases:
            expected = _listed(class_names) + nearest(name, class_names)
            raise UserError(f"{pattern}: class {label}: found {name!r}, expected {expected}")
        if label_map.by_label.get(label) not in (name, aliases.get(name, name)):
            found = label_map.by_label.get(label)
            raise UserError(
                f"{pattern}: label {label} is {name!r} there, but {found!r} in the class list of "
                f"this run: set config.data.labels (--labels) to {pattern.rpartition(':')[0]}"
            )


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
    aliases = aliases_of(class_names)
    if not set(card.classes) <= {*class_names, *aliases}:
        return False
    sizes = {}
    for path in paths:
        split = os.path.basename(path).split(".tfrecord")[0].removeprefix(f"{card.name}-")
        sizes[split] = sizes.get(split, 0) + os.path.getsize(path)
    entries = {split: card.splits.get(split, {}).get("bytes") for split in sizes}
    for name in card.classes if entries == sizes else ():
        _say_alias(name, aliases)
    return entries == sizes


def _say_alias(text: str, aliases: dict[str, str]) -> None:
    if text in aliases:
        say(said(text, aliases[text]))
