"""TFRecord files: found by pattern, read one record after another."""

import glob
import os
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import tensorflow as tf

from yolo_tf.data.records.tfds_files import find_split, is_tfds, parse_pattern
from yolo_tf.errors import UserError
from yolo_tf.patterns import match, split_patterns

_SHARD = re.compile(r"^(?P<stem>.+)-(?P<index>\d{5,})-of-(?P<count>\d{5,})(?P<suffix>[^/]*)$")


def find_shards(pattern: str) -> list[str]:
    """Sorted paths of the files that a pattern matches.

    Args:
      pattern: path, glob, or tfds:NAME:SPLIT (see `tfds_files`), commas between several; what
        these characters mean in the names of folders: `yolo_tf.patterns`.

    Raises:
      UserError: a part matches nothing, or a glob finds a shard `...-00000-of-00008` that has not
        all its fellows beside it, or fellows of another count. Files named one by one may be a
        part of a set.
    """
    parts = split_patterns(pattern)
    if not parts:
        raise UserError(f"shard pattern {pattern!r}: expected a path or glob such as DIR/x-train*")
    found = set()
    for part in parts:
        if is_tfds(part):
            found.update(find_split(*parse_pattern(part)).paths)
            continue
        paths = tf.io.gfile.glob(part) if "://" in part else match(part)
        if paths == [part] and _is_file(part):
            found.add(part)
            continue
        paths = [path for path in paths if _is_record_file(path)]
        if not paths:
            raise UserError(f"{part}: no file matches this pattern of TFRecord shards")
        _check_complete(paths)
        found.update(paths)
    return sorted(found)


def _is_record_file(path: str) -> bool:
    name = os.path.basename(path)
    return not name.startswith(".") and not name.endswith(".json") and _is_file(path)


def _is_file(path: str) -> bool:
    return not tf.io.gfile.isdir(path) if "://" in path else os.path.isfile(path)


def _check_complete(paths: list[str]) -> None:
    sets = {}
    for path in paths:
        folder, name = os.path.split(path)
        match = _SHARD.match(name)
        if match:
            sets.setdefault((folder, match["stem"], match["suffix"]), set()).add(match["count"])
    for (folder, stem, suffix), counts in sets.items():
        shown = os.path.join(folder, stem)
        if len(counts) > 1:
            found = " and ".join(f"of {int(c)}" for c in sorted(counts))
            raise UserError(f"{shown}: found shards {found}, expected one set; delete the old one")
        count = counts.pop()
        fellows = f"{glob.escape(shown)}-*-of-{count}{glob.escape(suffix)}"
        there = tf.io.gfile.glob(fellows) if "://" in fellows else glob.glob(fellows)
        if len(there) != int(count):
            raise UserError(
                f"{shown}: found {len(there)} of {int(count)} shards, expected all; build the "
                "records again, copy the missing ones, or name the files one by one"
            )


def read_records(paths: Iterable[str | Path]):
    """Yields (path, number from 1, serialized record) of every record of TFRecord files.

    Raises:
      UserError: a file is missing, truncated or fails its checksums.
    """
    for path in map(str, paths):
        whole = number = 0
        damage = None
        try:
            for _ in record_lengths(path):
                whole += 1
        except UserError as error:
            damage = error  # said after the records before it
        try:
            for record in tf.data.TFRecordDataset(path).take(whole).as_numpy_iterator():
                number += 1
                yield path, number, record
        except (tf.errors.DataLossError, tf.errors.NotFoundError):
            raise _damaged(path, number + 1) from None
        if damage:
            raise damage


def record_dataset(paths: list[str], **settings) -> tf.data.Dataset:
    """`tf.data.TFRecordDataset`, after a look at the length of each record.

    Raises:
      UserError: as `record_lengths`.
    """
    for path in paths:
        for _ in record_lengths(path):
            pass
    return tf.data.TFRecordDataset(paths, **settings)


def record_lengths(path: str) -> Iterator[int]:
    """The bytes of each record of a file; the records themselves are skipped, not read.

    TensorFlow believes a length before it looks at the file, and crashes for want of memory.

    Raises:
      UserError: the file is missing, or a record would reach beyond its end.
    """
    try:
        size, number, position = tf.io.gfile.stat(path).length, 0, 0
        with _opened(path) as file:
            while position < size:
                number += 1
                file.seek(position)
                head = file.read(8)  # then its checksum, the record, another checksum
                length = struct.unpack("<Q", head)[0] if len(head) == 8 else size
                position += 12 + length + 4
                if position > size:
                    raise _damaged(path, number)
                yield length
    except (tf.errors.NotFoundError, FileNotFoundError):
        raise _damaged(path, 1) from None


def _opened(path: str):
    # Near files without a buffer: of each record a dozen bytes are read.
    return tf.io.gfile.GFile(path, "rb") if "://" in path else open(path, "rb", buffering=0)


def _damaged(path: str, record: int) -> UserError:
    problem = "missing, truncated or corrupted; build the records again or copy the file"
    return UserError(f"{path}: record {record}: {problem}")


def count_records(paths: list[str]) -> int:
    """The number of records, from their lengths alone: the records are skipped, not read.

    Raises:
      UserError: a file is missing or truncated.
    """
    return sum(1 for path in paths for _ in record_lengths(path))
