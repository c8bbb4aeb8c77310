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
    texts = [class_names[c].encode() for c in sample.classes]
    values = {
        "image/encoded": ("bytes_list", [sample.image]),
        "image/format": ("bytes_list", [sample.image_format.encode()]),
        "image/height": ("int64_list", [sample.height]),
        "image/width": ("int64_list", [sample.width]),
        "image/filename": ("bytes_list", [sample.filename.encode()]),
        "image/source_id": ("bytes_list", [sample.source_id.encode()]),
        "image/key/sha256": ("bytes_list", [hashlib.sha256(sample.image).hexdigest().encode()]),
        "image/object/bbox/ymin": ("float_list", ymin),
        "image/object/bbox/xmin": ("float_list", xmin),
        "image/object/bbox/ymax": ("float_list", ymax),
        "image/object/bbox/xmax": ("float_list", xmax),
        "image/object/class/label": ("int64_list", sample.classes.tolist()),
        "image/object/class/text": ("bytes_list", texts),
        "image/object/difficult": ("int64_list", sample.difficult.astype(int).tolist()),
        "image/object/truncated": ("int64_list", sample.truncated.astype(int).tolist()),
        "image/object/is_crowd": ("int64_list", sample.crowd.astype(int).tolist()),
        "image/object/area": ("float_list", sample.area.tolist()),
    }
    example = tf.train.Example()
    for key, (kind, items) in values.items():
        # Filled in place: a message that is made apart is copied into its parent, image and all.
        part = getattr(example.features.feature[key], kind)
        part.SetInParent()  # though it be empty
        part.value.extend(items)
    return example.SerializeToString(deterministic=True)


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
