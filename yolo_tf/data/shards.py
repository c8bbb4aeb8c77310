"""Writing TFRecord shards, named as TFDS names them; `tfrecord.find_shards` finds them again."""

import os
import re
import uuid
from collections.abc import Iterable
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
        problem = error.message.splitlines()[0]
        raise UserError(f"{path.parent}: shards cannot be written: {problem}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return size


def split_shards(folder: str | Path, name: str, split: str) -> list[Path]:
    """The shards of one split that are in a folder, of whatever shard count."""
    stem = f"{name}-{split}.tfrecord"
    pattern = re.compile(re.escape(stem) + r"-\d{5,}-of-\d{5,}")
    return sorted(path for path in Path(folder).iterdir() if pattern.fullmatch(path.name))
