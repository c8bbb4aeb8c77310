"""Serialized records to tensors, many at once: an operation costs the same for one and for fifty.

Records have the keys of the Object Detection API, or those of TFDS with `image` and
`objects/{bbox,label}`; lists that are missing count as empty, as other writers leave them out.
"""

import numpy as np
import tensorflow as tf

from yolo_tf.data.decode import image_size
from yolo_tf.data.records import keys
from yolo_tf.data.records.label_map import LabelMap

UNKNOWN_CLASS = -2
NO_CLASS = -1
OVERFLOW = 0.1  # of an image's side: a box that reaches farther out is no share of the sides
_SIDES = (keys.YMIN, keys.XMIN, keys.YMAX, keys.XMAX)
# Lists of any length, of the Object Detection API and then of TFDS.
_LISTS = {
    tf.float32: (*_SIDES, keys.AREA, keys.TFDS_BOXES),
    tf.int64: (*keys.LABEL_KEYS, *keys.DIFFICULT_KEYS, *keys.CROWD_KEYS, keys.TFDS_AREA),
    tf.string: (keys.TEXT,),
}
_FLAGS = {
    "difficult": keys.DIFFICULT_KEYS,
    "crowd": keys.CROWD_KEYS,
}
_TEXTS = (keys.IMAGE, keys.TFDS_IMAGE, keys.SOURCE_ID, keys.FILENAME)
_FEATURES = {
    **{name: tf.io.FixedLenFeature([], tf.string, "") for name in _TEXTS},
    **{
        name: tf.io.FixedLenFeature([], tf.int64, -1)
        for name in (keys.HEIGHT, keys.WIDTH, keys.TFDS_ID)
    },
    **{name: tf.io.RaggedFeature(kind) for kind, names in _LISTS.items() for name in names},
}


class LabelTable:
    """From a record's class texts or labels to class indices, in the graph."""

    def __init__(self, by_label: dict[int, int], by_text: dict[str, int]):
        self._by_label = _lookup(by_label, tf.int64)
        self._by_text = _lookup(by_text, tf.string)

    def classes(self, texts, labels, has_texts):
        """int32: by text; by label where a record has no texts; -2 for an unknown class."""
        found = tf.where(has_texts, self._by_text.lookup(texts), self._by_label.lookup(labels))
        return tf.cast(found, tf.int32)


def _lookup(entries: dict, kind) -> tf.lookup.StaticHashTable:
    # TensorFlow has no empty tables.
    entries = entries or {"" if kind == tf.string else 0: UNKNOWN_CLASS}
    keys, values = tf.constant(list(entries), kind), tf.constant(list(entries.values()), tf.int64)
    table = tf.lookup.KeyValueTensorInitializer(keys, values)
    return tf.lookup.StaticHashTable(table, default_value=UNKNOWN_CLASS)


def parse_examples(serialized: tf.Tensor, table: LabelTable, rows: int | None = None) -> dict:
    """Records as tensors; TensorFlow operations only, for `tf.data.Dataset.map` after `batch`.

    Args:
      serialized: [B] string.
      table: of the classes, see `label_table`.
      rows: R, at least 1, for boxes of an image; those beyond it are cut off. None: as many as
        the fullest record has, at least 1.

    Returns:
      "encoded", "source_id" [B] string (without one: the file name, or a number made of the
      image); "height", "width" [B] int32 as declared (not declared: of the image's header, -1 if
      that has none); "boxes" [B, R, 4] float32 yxyx normalised, "classes" [B, R] int32 (an unknown
      class is -2: `data.records.names.check_classes` names it), "difficult", "crowd" [B, R] bool,
      "area" [B, R] float32 square pixels (not recorded: of the box; -1 without a size), padded
      with zeros, class -1 and false; "count" [B] int32, the boxes of each record, cut off or not.

    Raises:
      tf.errors.InvalidArgumentError: no Example, no image, or lists of different lengths.
    """
    parsed = tf.io.parse_example(serialized, _FEATURES)
    encoded = tf.strings.join([parsed[keys.IMAGE], parsed[keys.TFDS_IMAGE]])  # one of them is there
    tf.debugging.assert_positive(tf.strings.length(encoded), "image/encoded or image")
    lists = _Lists(parsed, rows)
    labels = lists.either(keys.LABEL, keys.TFDS_LABEL, 0)
    classes = table.classes(lists.dense(keys.TEXT, ""), labels, lists.has_texts[:, tf.newaxis])
    boxes = lists.boxes()
    size = _sizes(parsed, encoded)
    area = _areas(lists, boxes, size)
    flags = {}
    for name, (key, other) in _FLAGS.items():
        lists.given(key, other)
        flags[name] = lists.either(key, other, 0) > 0
    return {
        "encoded": encoded,
        "source_id": _source_ids(parsed, encoded),
        "height": size[:, 0],
        "width": size[:, 1],
        "boxes": boxes,
        "classes": tf.where(lists.real, classes, NO_CLASS),
        **flags,
        "area": tf.where(lists.real, area, 0.0),
        "count": lists.count,
    }


def faulty_boxes(boxes: tf.Tensor) -> tf.Tensor:
    """[...] bool of boxes [..., 4]: which are not finite, inverted, or far out of their image."""
    inside = (boxes >= -OVERFLOW) & (boxes <= 1.0 + OVERFLOW)  # false for NaN
    return ~tf.reduce_all(inside, axis=-1) | tf.reduce_any(boxes[..., 2:] < boxes[..., :2], axis=-1)


def box_fault(boxes) -> str:
    """What is wrong with the first of some boxes [N, 4] that is none; "" if all are boxes."""
    wrong = faulty_boxes(tf.convert_to_tensor(boxes)).numpy()
    if not wrong.any():
        return ""
    first = int(wrong.argmax())
    return (
        f"box {first + 1}: found (ymin, xmin, ymax, xmax) {np.asarray(boxes)[first].tolist()},"
        " expected finite shares of the image's sides, 0 to 1, the smaller first"
    )


def parse_example(serialized: tf.Tensor, table: LabelTable) -> dict:
    """One record, a string; as `parse_examples`, unpadded."""
    example = parse_examples(tf.reshape(serialized, [1]), table)
    count = example.pop("count")[0]
    rows = ("boxes", "classes", "difficult", "crowd", "area")
    return {k: v[0][:count] if k in rows else v[0] for k, v in example.items()}


class _Lists:
    """The lists of a batch of records as rows of one length, checked against each other."""

    def __init__(self, parsed: dict, rows: int | None):
        self._parsed = parsed
        self._lengths = {
            name: tf.cast(parsed[name].row_lengths(), tf.int32)
            for names in _LISTS.values()
            for name in names
        }
        texts, tfds = self._lengths[keys.TEXT], self._lengths[keys.TFDS_LABEL]
        self.has_texts = texts > 0
        self.count = tf.where(self.has_texts, texts, self._lengths[keys.LABEL] + tfds)
        corners = self._lengths[keys.TFDS_BOXES] // 4
        found = tf.stack([self._lengths[side] for side in _SIDES]) + corners
        tf.debugging.assert_equal(found, self.count, "as many box corners as classes")
        # One at least: `Dataset.unbatch` crashes on tensors without elements (TensorFlow 2.21).
        self.rows = rows or tf.maximum(tf.reduce_max(self.count), 1)
        self.real = tf.sequence_mask(tf.minimum(self.count, self.rows), self.rows)

    def given(self, *names: str) -> tf.Tensor:
        """[B] bool: whether a record has one of these lists, which must be as long as its boxes."""
        lengths = tf.add_n([self._lengths[name] for name in names])
        wrong = (lengths > 0) & (lengths != self.count)
        tf.debugging.Assert(~tf.reduce_any(wrong), ["as many flags as boxes"])
        return lengths > 0

    def dense(self, name: str, default, width: int = 1) -> tf.Tensor:
        """[B, R * width]."""
        shape = tf.stack([-1, self.rows * width])
        dense = self._parsed[name].to_tensor(default, shape=tf.cast(shape, tf.int64))
        return tf.ensure_shape(dense, [None, self._static(width)])

    def either(self, name: str, other: str, default) -> tf.Tensor:
        """[B, R] of the list that a record has: at most one of the two is there."""
        found = self.dense(other, default)
        return tf.where(self._lengths[name][:, tf.newaxis] > 0, self.dense(name, default), found)

    def boxes(self) -> tf.Tensor:
        """[B, R, 4] yxyx; of the two kinds of lists one is there, the other all zero."""
        corners = tf.stack([self.dense(side, 0.0) for side in _SIDES], axis=2)
        flat = self.dense(keys.TFDS_BOXES, 0.0, width=4)
        boxes = corners + tf.reshape(flat, tf.shape(corners))
        return tf.ensure_shape(boxes, [None, self._static(), 4])

    def _static(self, width: int = 1) -> int | None:
        return self.rows * width if isinstance(self.rows, int) else None


def _sizes(parsed, encoded):
    """[B, 2] int32 (height, width)."""
    size = tf.cast(tf.stack([parsed[keys.HEIGHT], parsed[keys.WIDTH]], 1), tf.int32)
    declared = tf.reduce_all(size > 0, axis=1, keepdims=True)

    def of_headers():
        sizes = tf.map_fn(
            lambda image: tf.ensure_shape(image_size(image), [2]),
            encoded,
            fn_output_signature=tf.TensorSpec([2], tf.int32),
        )
        return tf.where(declared, size, sizes)

    return tf.cond(tf.reduce_all(declared), lambda: size, of_headers)


def _areas(lists: _Lists, boxes, size):
    recorded = lists.given(*keys.AREA_KEYS)[:, tf.newaxis]
    area = tf.where(
        recorded,
        lists.dense(keys.AREA, 0.0) + tf.cast(lists.dense(keys.TFDS_AREA, 0), tf.float32),
        0.0,
    )
    sides = boxes[..., 2:] - boxes[..., :2]
    pixels = tf.cast(size[:, :1] * size[:, 1:], tf.float32)
    of_boxes = tf.where(size[:, :1] > 0, sides[..., 0] * sides[..., 1] * pixels, -1.0)
    return tf.where(recorded & (area >= 0.0) & (area < np.inf), area, of_boxes)


def _source_ids(parsed, encoded):
    number, id_number = tf.strings.to_hash_bucket_fast(encoded, 2**62), parsed[keys.TFDS_ID]
    found = tf.strings.as_string(tf.where(id_number >= 0, id_number, number))
    for name in (parsed[keys.FILENAME], parsed[keys.SOURCE_ID]):
        found = tf.where(tf.strings.length(name) > 0, name, found)
    return found


def label_table(class_names: list[str], labels: str = "") -> LabelTable:
    """The table that `parse_example` needs; make it once, outside of `map`.

    Args:
      labels: what labels and texts mean, a setting of `label_map`.
    """
    return LabelTable(*LabelMap.of(class_names, labels).indices(class_names))
