"""Samples as TFRecords with the keys of the TF Object Detection API, and reading them.

`image/object/class/label` is written 0-based, as TFDS counts; `image/object/class/text` carries
the name, which readers should go by. Records of other writers count labels in other ways, which
`label_map` tells. Records of TensorFlow Datasets, with their own keys, are read as well.
"""

import hashlib

import tensorflow as tf

from yolo_tf.data.label_map import LabelMap
from yolo_tf.data.parsing import UNKNOWN_CLASS, LabelTable, parse_example, parse_examples
from yolo_tf.data.record_files import find_shards, read_records
from yolo_tf.data.sample import Sample

__all__ = [
    "encode_example",
    "find_shards",
    "label_table",
    "parse_example",
    "parse_examples",
    "read_records",
]


def encode_example(sample: Sample, class_names: list[str]) -> bytes:
    """A sample as a serialized tf.train.Example; the same sample gives the same bytes."""
    ymin, xmin, ymax, xmax = sample.boxes.T.tolist() if len(sample.boxes) else ([], [], [], [])
    values = {
        "image/encoded": _bytes([sample.image]),
        "image/format": _bytes([sample.image_format.encode()]),
        "image/height": _ints([sample.height]),
        "image/width": _ints([sample.width]),
        "image/filename": _bytes([sample.filename.encode()]),
        "image/source_id": _bytes([sample.source_id.encode()]),
        "image/key/sha256": _bytes([hashlib.sha256(sample.image).hexdigest().encode()]),
        "image/object/bbox/ymin": _floats(ymin),
        "image/object/bbox/xmin": _floats(xmin),
        "image/object/bbox/ymax": _floats(ymax),
        "image/object/bbox/xmax": _floats(xmax),
        "image/object/class/label": _ints(sample.classes.tolist()),
        "image/object/class/text": _bytes([class_names[c].encode() for c in sample.classes]),
        "image/object/difficult": _ints(sample.difficult.astype(int).tolist()),
        "image/object/truncated": _ints(sample.truncated.astype(int).tolist()),
        "image/object/is_crowd": _ints(sample.crowd.astype(int).tolist()),
        "image/object/area": _floats(sample.area.tolist()),
    }
    example = tf.train.Example(features=tf.train.Features(feature=values))
    return example.SerializeToString(deterministic=True)


def _bytes(values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _ints(values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _floats(values):
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def label_table(class_names: list[str], labels: str = "") -> LabelTable:
    """The table that `parse_example` needs; make it once, outside of `map`.

    Args:
      labels: what labels and texts mean, a setting of `label_map`.
    """
    return LabelTable(*LabelMap.of(class_names, labels).indices(class_names))


def _lookup(entries: dict, kind) -> tf.lookup.StaticHashTable:
    keys, values = tf.constant(list(entries), kind), tf.constant(list(entries.values()), tf.int64)
    table = tf.lookup.KeyValueTensorInitializer(keys, values)
    return tf.lookup.StaticHashTable(table, default_value=UNKNOWN_CLASS)
