"""Samples as TFRecords with the keys of the TF Object Detection API, and finding their files.

`image/object/class/label` is written 0-based, as TFDS counts; `image/object/class/text` carries
the name, which readers should go by. Other writers count labels from 1: give `label_offset=1`
where such records have no text.
"""

import glob
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf

from yolo_tf.data.sample import Sample
from yolo_tf.errors import UserError

UNKNOWN_CLASS = -2
_SHARD = re.compile(r"^(?P<stem>.+)-(?P<index>\d{5,})-of-(?P<count>\d{5,})(?P<suffix>[^/]*)$")


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


class LabelTable:
    """From a record's class texts or labels to class indices, in the graph."""

    def __init__(self, class_names: list[str], label_offset: int = 0):
        self._count = len(class_names)
        self._offset = label_offset
        indices = tf.range(self._count, dtype=tf.int64)
        entries = tf.lookup.KeyValueTensorInitializer(
            tf.constant(list(class_names), tf.string), indices
        )
        self._table = tf.lookup.StaticHashTable(entries, default_value=UNKNOWN_CLASS)

    def classes(self, texts, labels):
        """[N] int32: by text; by label for a record without texts; -2 for an unknown class."""
        labels = labels - self._offset
        known = (labels >= 0) & (labels < self._count)
        by_label = tf.where(known, labels, UNKNOWN_CLASS)
        by_text = self._table.lookup(texts)
        return tf.cast(tf.cond(tf.size(texts) > 0, lambda: by_text, lambda: by_label), tf.int32)


def label_table(class_names: list[str], label_offset: int = 0) -> LabelTable:
    """The table that `parse_example` needs; make it once, outside of `map`.

    Args:
      label_offset: the label that a record without class texts gives the first class: 0 as in
        TFDS and here, 1 as in the Object Detection API.
    """
    if label_offset not in (0, 1):
        raise UserError(f"label_offset: found {label_offset}, expected 0 or 1")
    return LabelTable(class_names, label_offset)


def parse_example(serialized, table: LabelTable) -> dict:
    """One record as tensors; TensorFlow operations only, for `tf.data.Dataset.map`.

    Missing lists are empty, as other writers leave them out. An unknown class is -2:
    `yolo_tf.data.names.check_classes` names it.

    Returns:
      "encoded", "source_id" string (without one: the file name, or a number made of the image);
      "height", "width" int32 as declared (-1: not declared); "boxes" [N, 4] float32 yxyx
      normalised, "classes" [N] int32, "difficult", "crowd" [N] bool, "area" [N] float32 square
      pixels (not recorded: of the box; -1 if the size is not declared either).

    Raises:
      tf.errors.InvalidArgumentError: no Example, or lists of different lengths.
    """
    parsed = tf.io.parse_single_example(serialized, _features())
    corners = [parsed[f"image/object/bbox/{side}"] for side in ("ymin", "xmin", "ymax", "xmax")]
    classes = table.classes(parsed["image/object/class/text"], parsed["image/object/class/label"])
    count = tf.size(classes)
    for corner in corners:
        tf.debugging.assert_equal(tf.size(corner), count, "as many box corners as classes")
    boxes = tf.reshape(tf.stack([c[:count] for c in corners], axis=1), [-1, 4])
    height, width = parsed["image/height"], parsed["image/width"]
    sides = boxes[:, 2:] - boxes[:, :2]
    box_area = sides[:, 0] * sides[:, 1] * tf.cast(height * width, tf.float32)
    box_area = tf.where((height > 0) & (width > 0), box_area, -1.0)
    false = tf.zeros([count], tf.int64)
    return {
        "encoded": parsed["image/encoded"],
        "source_id": _source_id(parsed),
        "height": tf.cast(height, tf.int32),
        "width": tf.cast(width, tf.int32),
        "boxes": boxes,
        "classes": classes,
        "difficult": _list_or(parsed["image/object/difficult"], false) > 0,
        "crowd": _list_or(parsed["image/object/is_crowd"], false) > 0,
        "area": _list_or(parsed["image/object/area"], box_area),
    }


def _features():
    text, number = tf.constant("", tf.string), tf.constant(-1, tf.int64)
    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/source_id": tf.io.FixedLenFeature([], tf.string, text),
        "image/filename": tf.io.FixedLenFeature([], tf.string, text),
        "image/height": tf.io.FixedLenFeature([], tf.int64, number),
        "image/width": tf.io.FixedLenFeature([], tf.int64, number),
    }
    kinds = {tf.float32: ("bbox/ymin", "bbox/xmin", "bbox/ymax", "bbox/xmax", "area")}
    kinds[tf.int64] = ("class/label", "difficult", "is_crowd")
    kinds[tf.string] = ("class/text",)
    for kind, names in kinds.items():
        for name in names:
            features[f"image/object/{name}"] = tf.io.RaggedFeature(kind)
    return features


def _source_id(parsed):
    number = tf.strings.to_hash_bucket_fast(parsed["image/encoded"], 2**62)
    found = tf.strings.as_string(number)
    for name in (parsed["image/filename"], parsed["image/source_id"]):
        found = tf.where(tf.strings.length(name) > 0, name, found)
    return found


def _list_or(values, default):
    """`values`, or `default` when the record has no such list."""
    count = tf.size(default)
    tf.debugging.assert_equal(
        tf.size(values) * tf.cast(tf.size(values) != count, tf.int32), 0, "as many flags as boxes"
    )
    chosen = tf.cond(tf.size(values) > 0, lambda: values, lambda: default)
    return tf.reshape(chosen, [count])


def find_shards(pattern: str) -> list[str]:
    """Sorted paths of the files that a pattern matches.

    Args:
      pattern: path or glob, commas between several.

    Raises:
      UserError: a part matches nothing, or a glob finds a shard `...-00000-of-00008` that has not
        all its fellows beside it, or fellows of another count. Files named one by one may be a
        part of a set.
    """
    parts = [part.strip() for part in pattern.split(",") if part.strip()]
    if not parts:
        raise UserError(f"shard pattern {pattern!r}: expected a path or glob such as DIR/x-train*")
    found = set()
    for part in parts:
        if tf.io.gfile.exists(part) and not tf.io.gfile.isdir(part):
            found.add(part)
            continue
        paths = [path for path in tf.io.gfile.glob(part) if _is_record_file(path)]
        if not paths:
            raise UserError(f"{part}: no file matches this pattern of TFRecord shards")
        _check_complete(paths)
        found.update(paths)
    return sorted(found)


def _is_record_file(path: str) -> bool:
    name = os.path.basename(path)
    return not name.startswith(".") and not name.endswith(".json") and not tf.io.gfile.isdir(path)


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
        there = tf.io.gfile.glob(f"{glob.escape(shown)}-*-of-{count}{glob.escape(suffix)}")
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
        number = 0
        try:
            for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
                number += 1
                yield path, number, record
        except (tf.errors.DataLossError, tf.errors.NotFoundError):
            problem = "missing, truncated or corrupted; build the records again or copy the file"
            raise UserError(f"{path}: record {number + 1}: {problem}") from None
