"""Data of any layout as records that are built once: what `--data=PATH` stands for."""

import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from yolo_tf.data.build.build import build
from yolo_tf.data.build.key import files_digest
from yolo_tf.data.build.open_data import AUTO, VAL_FRACTION, Division, find_data, open_splits
from yolo_tf.data.records.card import read_card
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.splits import role
from yolo_tf.errors import UserError
from yolo_tf.files import write_text
from yolo_tf.patterns import match

_VERSION = 1  # of what is kept
_IMAGES_A_SHARD = 2000
_RECORDS = re.compile(r"\.tfrecord|\.record$")


@dataclass(frozen=True)
class DataRecords:
    """Records of a data set: `patterns` of its splits, as `config.data.train` takes them."""

    patterns: dict[str, str]  # split, as the data call it -> pattern of record files
    classes: tuple[str, ...]  # () where the records alone do not tell
    card: str  # path of the card; "" without one

    def pattern(self, wanted: str) -> str:
        """The records of the split "train", "val" or "test", whatever the data call it.

        Raises:
          UserError: there is no such split.
        """
        if wanted in self.patterns:
            return self.patterns[wanted]
        alike = [split for split in self.patterns if role(split) == role(wanted)]
        if wanted == "val" and not alike:
            alike = [split for split in self.patterns if role(split) == "test"]
            if len(alike) == 1:
                print(f"note: no split for validation: {alike[0]} is taken for it")
        if len(alike) == 1:
            return self.patterns[alike[0]]
        there = ", ".join(self.patterns)
        raise UserError(f"data: {wanted}: found {alike or 'no such split'}; splits there: {there}")


def open_data(
    path: str,
    records: str | Path,
    format: str = AUTO,
    splits: Sequence[str] = (),
    options: Options | None = None,
    division: Division | None = None,
    val_fraction: float = VAL_FRACTION,
    workers: int = 1,
    skip_bad: bool = False,
) -> DataRecords:
    """Records of data of any layout; they are built where they are not there yet.

    What was built is taken again while the files of the data (names, sizes, times), the settings
    and the split list are the same; else it is built anew. Records and data sets of TFDS are taken
    as they are.

    Args:
      path: a folder, an annotation file, a card or pattern of records, or tfds:NAME:SPLIT.
      records: the folder for them, such as RUN/records.
      splits: to build; (): all that the data have, with one for validation made where none is.
      division: of data without splits; None: the list is made beside the records.
      val_fraction: share for validation of data without such a split, without a `division`.

    Raises:
      UserError: no data, or bad data without `skip_bad`.
    """
    if ready := _ready(path):
        return ready
    options = options or Options("")
    folder, name = Path(records), _name(path, options)
    made = str(folder / f"{name}.splits.txt")
    division = division or Division(val_fraction, made_list=made)
    key = _key(path, folder, format, splits, options, division, skip_bad)
    if kept := _kept(folder, name, key):
        shown = ", ".join(kept.patterns)
        print(f"data: {path} as built before in {folder} (splits {shown})")
        return kept
    found = find_data(path, format)
    sources = open_splits(found, options, splits, division, workers)
    _forget(folder, name)
    for split, source in sources.items():
        shards = max(1, math.ceil(len(source.ids()) / _IMAGES_A_SHARD))
        entry = build(source, folder, name, split, shards, workers, skip_bad)
        print(f"built {split}: {entry['images']} images, {entry['boxes']} boxes")
    # The list may be new: the key is that of what lies there now.
    key = _key(path, folder, format, splits, options, division, skip_bad)
    write_text(_key_file(folder, name), json.dumps(key | {"splits": list(sources)}))
    return _of_card(folder / f"{name}.json", list(sources))


def _ready(path: str) -> DataRecords | None:
    """Records that need no building."""
    if path.startswith("tfds:"):
        split = path.rpartition(":")[2] if path.count(":") > 1 else "train"
        return DataRecords({split: path}, (), "")
    given = Path(path)
    if given.suffix == ".json" and given.is_file() and _shards_of(given):
        return _of_card(given)
    if given.is_dir():
        cards = [p for p in sorted(given.glob("*.json")) if _shards_of(p)]
        if len(cards) == 1:
            return _of_card(cards[0])
        if cards:
            names = ", ".join(p.name for p in cards)
            raise UserError(f"{path}: found the records {names}, expected one: give its card")
        return None
    if _RECORDS.search(path):
        return DataRecords({"train": path}, (), "")
    return None


def _shards_of(card: Path) -> list[str]:
    return match(f"{str(card)[: -len('.json')]}-*.tfrecord-*")


def _of_card(path: Path, splits: Sequence[str] = ()) -> DataRecords:
    card = read_card(path)
    stem = str(path)[: -len(".json")]
    patterns = {split: f"{stem}-{split}.tfrecord-*" for split in splits or card.splits}
    return DataRecords(patterns, tuple(card.classes), str(path))


def _name(path: str, options: Options) -> str:
    """The name of the records, after that of the folder or file, and of the classes chosen."""
    given = Path(path).absolute()
    text = given.name if given.is_dir() else f"{given.parent.name}-{given.stem}"
    chosen = [options.single_class] if options.single_class else []
    text = "-".join([text, *options.only_classes, *chosen])
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("-.")[:100] or "data"


def _key(path, folder, format, splits, options, division, skip_bad) -> dict:
    given = Path(path).absolute()
    root = given if given.is_dir() else given.parent
    files = [str(root), *filter(None, [division.split_list])]
    key = {
        "version": _VERSION,
        "data": str(given),
        "format": format,
        "wanted": list(splits),
        "options": asdict(options),
        "division": asdict(division),
        "skip_bad": skip_bad,
        "files": files_digest(files, folder),
    }
    if os.path.exists(division.made_list):
        key["list"] = files_digest([division.made_list], Path(folder, "none"))
    return json.loads(json.dumps(key))


def _key_file(folder: Path, name: str) -> Path:
    return folder / f".{name}.data.json"


def _kept(folder: Path, name: str, key: dict) -> DataRecords | None:
    try:
        old = json.loads(_key_file(folder, name).read_text(encoding="utf-8"))
        splits = old.pop("splits")
        if old != key:
            changed = [part for part in key if old.get(part) != key[part]]
            print(f"data: changed since the records in {folder} were built: {', '.join(changed)}")
            return None
        found = _of_card(folder / f"{name}.json", splits)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if all(map(match, found.patterns.values())) else None


def _forget(folder: Path, name: str) -> None:
    """Removes the key and the card of what was built before: another class list is no mistake."""
    for path in (_key_file(folder, name), folder / f"{name}.json"):
        path.unlink(missing_ok=True)
