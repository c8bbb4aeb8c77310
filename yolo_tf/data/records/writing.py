"""Samples as TFRecord shards with the keys of the TF Object Detection API, named as TFDS does.

`image/object/class/label` is written 0-based, as TFDS counts; `image/object/class/text` carries
the name, which readers should go by.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf

from yolo_tf.data.records import keys
from yolo_tf.data.sample import Sample
from yolo_tf.files import WriteError, cause


def encode_example(sample: Sample, class_names: list[str]) -> bytes:
    """A sample as a serialized tf.train.Example; the same sample gives the same bytes."""
    ymin, xmin, ymax, xmax = sample.boxes.T.tolist() if len(sample.boxes) else ([], [], [], [])
    texts = [class_names[c].encode() for c in sample.classes]
    values = {
        keys.IMAGE: ("bytes_list", [sample.image]),
        keys.FORMAT: ("bytes_list", [sample.image_format.encode()]),
        keys.HEIGHT: ("int64_list", [sample.height]),
        keys.WIDTH: ("int64_list", [sample.width]),
        keys.FILENAME: ("bytes_list", [sample.filename.encode()]),
        keys.SOURCE_ID: ("bytes_list", [sample.source_id.encode()]),
        keys.SHA256: ("bytes_list", [hashlib.sha256(sample.image).hexdigest().encode()]),
        keys.YMIN: ("float_list", ymin),
        keys.XMIN: ("float_list", xmin),
        keys.YMAX: ("float_list", ymax),
        keys.XMAX: ("float_list", xmax),
        keys.LABEL: ("int64_list", sample.classes.tolist()),
        keys.TEXT: ("bytes_list", texts),
        keys.DIFFICULT: ("int64_list", sample.difficult.astype(int).tolist()),
        keys.TRUNCATED: ("int64_list", sample.truncated.astype(int).tolist()),
        keys.CROWD: ("int64_list", sample.crowd.astype(int).tolist()),
        keys.AREA: ("float_list", sample.area.tolist()),
    }
    example = tf.train.Example()
    for key, (kind, items) in values.items():
        # Filled in place: a message that is made apart is copied into its parent, image and all.
        part = getattr(example.features.feature[key], kind)
        part.SetInParent()  # though it be empty
        part.value.extend(items)
    return example.SerializeToString(deterministic=True)


def shard_name(name: str, split: str, index: int, count: int) -> str:
    """ "bccd-train.tfrecord-00000-of-00002"."""
    return f"{name}-{split}.tfrecord-{index:05d}-of-{count:05d}"


def shard_ids(ids: list[str], index: int, count: int) -> list[str]:
    """The images of one of `count` shards, in order."""
    return ids[index::count]


def write_shard(path: Path, records: Iterable[bytes]) -> int:
    """Writes one file of serialized records, whole or not at all; returns its size in bytes.

    Raises:
      WriteError: it cannot be written.
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
    except (OSError, tf.errors.OpError) as error:
        raise WriteError(f"{path.parent}: shards cannot be written: {cause(error)}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return size


def split_shards(folder: str | Path, name: str, split: str) -> list[Path]:
    """The shards of one split that are in a folder, of whatever shard count."""
    stem = f"{name}-{split}.tfrecord"
    pattern = re.compile(re.escape(stem) + r"-\d{5,}-of-\d{5,}")
    return sorted(path for path in Path(folder).iterdir() if pattern.fullmatch(path.name))
