"""Writing TFRecord shards, named as TFDS names them; `tfrecord.find_shards` finds them again."""

import os
import re
import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import tensorflow as tf

from yolo_tf.errors import UserError


def shard_name(name: str, split: str, index: int, count: int) -> str:
    """ "bccd-train.tfrecord-00000-of-00002"."""
    return f"{name}-{split}.tfrecord-{index:05d}-of-{count:05d}"


def shard_ids(ids: list[str], index: int, count: int) -> list[str]:
    """The images of one of `count` shards, in order."""
    return ids[index::count]


def write_shard(path: Path, records: Iterable[bytes]) -> int:
    """Writes one file of serialized records, whole or not at all; returns its size in bytes.

    Raises:
      UserError: it cannot be written.
    """
    # No name that another machine may choose too, where several write to the same disk.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with tf.io.TFRecordWriter(str(temporary)) as writer:
            for record in records:
                writer.write(record)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # the name must not outlive a power cut that the bytes do not
        size = temporary.stat().st_size
        os.replace(temporary, path)
    except tf.errors.OpError as error:
        raise _not_written(path.parent, error) from None
    finally:
        temporary.unlink(missing_ok=True)
    return size


def write_shards(folder: str | Path, name: str, split: str, count: int, records: Iterable[bytes]):
    """Writes serialized records in turns over a few shards at once, in the place of older shards.

    All records go to temporary files first. If `records` raises, or has fewer than `count`, the
    old shards stay. Then shards of this name and split go, whatever their count, and the new ones
    take their names; cut short in between, the set is incomplete and `find_shards` refuses it.

    Returns:
      The paths of the shards.

    Raises:
      UserError: fewer records than shards, or the folder cannot be written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: not a folder to write to: {error.strerror}") from None
    paths = [folder / shard_name(name, split, i, count) for i in range(count)]
    temporary = [path.with_name(f".{path.name}.{os.getpid()}.tmp") for path in paths]
    written = 0
    try:
        with ExitStack() as stack:
            writers = [stack.enter_context(tf.io.TFRecordWriter(str(p))) for p in temporary]
            for record in records:
                writers[written % count].write(record)
                written += 1
        if written < count:
            raise UserError(
                f"{folder / name}-{split}: {written} records for {count} shards, expected at "
                f"least one a shard: give --shards={max(written, 1)} or fewer"
            )
        for old in split_shards(folder, name, split):
            old.unlink()
        for source, target in zip(temporary, paths, strict=True):
            os.replace(source, target)
    except tf.errors.OpError as error:
        raise _not_written(folder, error) from None
    finally:
        for path in temporary:
            path.unlink(missing_ok=True)
    return paths


def _not_written(folder: Path, error: tf.errors.OpError) -> UserError:
    problem = error.message.splitlines()[0]
    return UserError(f"{folder}: shards cannot be written: {problem}")


def split_shards(folder: str | Path, name: str, split: str) -> list[Path]:
    """The shards of one split that are in a folder, of whatever shard count."""
    stem = f"{name}-{split}.tfrecord"
    pattern = re.compile(re.escape(stem) + r"-\d{5,}-of-\d{5,}")
    return sorted(path for path in Path(folder).iterdir() if pattern.fullmatch(path.name))
