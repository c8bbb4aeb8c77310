"""What a YOLO loss needs to know of one level, its positives as a flat list, and its candidates.

Candidates are the best (box, class) pairs of the raw outputs: only their boxes are decoded.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from yolo_tf.heads.base import class_weight
from yolo_tf.heads.yolo.codec import CLASS_ACTIVATIONS, CODECS, GridCells
from yolo_tf.ops.boxes import cxcywh_to_yxyx
from yolo_tf.ops.candidates import CandidateConfig, Candidates, split_columns


@dataclass(frozen=True)
class Level:
    """One output level of a YOLO head."""

    stride: int  # pixels per cell
    anchors: np.ndarray  # [A, 2] float32 (width, height), pixels
    scale_xy: float
    codec: str  # a key of CODECS
    class_activation: str = "sigmoid"  # a key of CLASS_ACTIVATIONS
    class_weights: tuple[float, ...] = ()  # of each class in the loss; none: all count once

    @property
    def classes(self):
        """How class logits are read."""
        return CLASS_ACTIVATIONS[self.class_activation]

    @property
    def box_values(self) -> int:
        """Raw values of a box; objectness and classes follow them."""
        return CODECS[self.codec].values

    def class_weight(self, rows: "Rows") -> tf.Tensor | float:
        """The factor of the class error of each row, [B, n]."""
        return class_weight(rows.classes, self.class_weights)

    def box_probability(self, raw: tf.Tensor) -> tf.Tensor:
        """Factor of the scores of each box, [..., 5 + C] -> [...]: its objectness and certainty."""
        values, certainty = self.box_values, CODECS[self.codec].certainty
        probability = tf.sigmoid(raw[..., values])
        return probability if certainty is None else probability * certainty(raw[..., :values])

    def decode(self, raw: tf.Tensor) -> tf.Tensor:
        """[..., rows, cols, A, box_values] raw -> [..., rows, cols, A, 4] yxyx normalised."""
        decode = CODECS[self.codec].decode
        return cxcywh_to_yxyx(decode(raw, self.anchors, self.stride, self.scale_xy))

    def decode_darknet_gradient(self, raw: tf.Tensor, max_delta: float) -> tf.Tensor:
        """`decode` with the box gradient of Darknet's C code (algorithms.md 2.4)."""
        decode = CODECS[self.codec].decode_darknet_gradient
        return cxcywh_to_yxyx(decode(raw, self.anchors, self.stride, self.scale_xy, max_delta))

    def darknet_front(self, raw: tf.Tensor) -> tf.Tensor:
        """`raw` unchanged, with the gradient that Darknet's last convolution gives all fields."""
        return CODECS[self.codec].front(raw)


class Rows(NamedTuple):
    """Every (box, cell, anchor) of a level as a list of n rows; `positive` says which count."""

    slot: tf.Tensor  # [B, n] int32: (row * cols + col) * A + anchor
    positive: tf.Tensor  # [B, n] bool
    boxes: tf.Tensor  # [B, n, 4] yxyx normalised
    classes: tf.Tensor  # [B, n] int32; -1 where the box is padding
    anchors: int  # A of the level

    def sum_in_slot(self, values: tf.Tensor) -> tf.Tensor:
        """[B, n, K] -> [B, n, K]: for each row the sum over the positive rows of its slot."""
        batch, depth = tf.shape(values)[0], values.shape[-1]
        # Rows of one box and cell share `slot // anchors`, so cells are compared, not slots.
        cell = self.slot[:, :: self.anchors] // self.anchors
        same = tf.cast(cell[:, :, None] == cell[:, None, :], values.dtype)
        values *= tf.cast(self.positive, values.dtype)[..., None]
        by_anchor = tf.reshape(values, [batch, tf.shape(cell)[1], self.anchors * depth])
        return tf.reshape(same @ by_anchor, tf.shape(values))

    def sum_to_slots(self, values: tf.Tensor, slots: int) -> tf.Tensor:
        """[B, n] -> [B, slots]: for each slot the sum over its positive rows."""
        values = tf.where(self.positive, values, 0)
        size = tf.shape(self.slot)[0] * slots
        index = self._index(slots)
        total = tf.scatter_nd(index[:, None], tf.reshape(values, [-1]), [size])
        return tf.reshape(total, [-1, slots])

    def max_to_slots(self, values: tf.Tensor, slots: int) -> tf.Tensor:
        """[B, n] of at least 0 -> [B, slots]: the largest of the slot's positive rows, or 0."""
        values = tf.where(self.positive, values, 0)
        largest = tf.zeros([tf.shape(self.slot)[0] * slots], values.dtype)
        index = self._index(slots)
        largest = tf.tensor_scatter_nd_max(largest, index[:, None], tf.reshape(values, [-1]))
        return tf.reshape(largest, [-1, slots])

    def last(self, slots: int) -> tf.Tensor:
        """[B, n] bool: this row is positive, and no later one of its slot is.

        By a maximum, because what a scatter writes twice has no order on accelerators.
        """
        order = tf.broadcast_to(tf.range(1, tf.shape(self.slot)[1] + 1), tf.shape(self.slot))
        latest = tf.gather(self.max_to_slots(order, slots), self.slot, batch_dims=1)
        return self.positive & (latest == order)

    def trained_boxes(self, level_targets: dict) -> tf.Tensor:
        """[B, N] bool: some row of this box is positive."""
        shape = tf.shape(level_targets["matches"])
        return tf.reduce_any(tf.reshape(self.positive, shape), axis=[2, 3])

    def _index(self, slots: int) -> tf.Tensor:
        """[B * n]: the slot of each row among those of all images."""
        batch = tf.range(tf.shape(self.slot)[0])
        return tf.reshape(self.slot + batch[:, None] * slots, [-1])


def flatten_rows(targets: dict, level_targets: dict, cols: int) -> Rows:
    """The list of a level from `assign.encode`: by box, then cell, then anchor."""
    matches, cells = level_targets["matches"], level_targets["cells"]
    batch = tf.shape(matches)[0]
    shifts, anchors = matches.shape[2:]
    # Static in training; validation pads to the fullest image of each batch.
    boxes = matches.shape[1] if matches.shape[1] is not None else tf.shape(matches)[1]
    slot = (cells[..., 0] * cols + cells[..., 1])[..., None] * anchors + tf.range(anchors)
    per_box = shifts * anchors
    return Rows(
        slot=tf.reshape(slot, [batch, boxes * per_box]),
        positive=tf.reshape(matches, [batch, boxes * per_box]),
        boxes=tf.repeat(targets["boxes"], per_box, axis=1),
        classes=tf.repeat(targets["classes"], per_box, axis=1),
        anchors=anchors,
    )


def positive_slots(rows: Rows, slots: int) -> tf.Tensor:
    """[B, slots] float32: 1 where some positive row falls."""
    return tf.minimum(rows.sum_to_slots(tf.ones_like(rows.slot, tf.float32), slots), 1.0)


def find_candidates(
    levels: list[Level], raws: list[tf.Tensor], config: CandidateConfig
) -> Candidates:
    """`Head.candidates` of raw outputs [B, rows, cols, A, 5 + C], one for each level.

    Of a codec with more than 4 values of a box there are as many more than 5.
    """
    fields, values = raws[0].shape[-1], levels[0].box_values
    flat = [tf.reshape(raw, [-1, math.prod(raw.shape[1:4]), fields]) for raw in raws]
    boxes, logits = split_columns(tf.concat(flat, axis=1), values + 1)
    pairs = levels[0].classes.best_pairs(logits, levels[0].box_probability(boxes), config)

    table = np.concatenate([_table(level, raw) for level, raw in zip(levels, raws, strict=True)])
    boxes = tf.gather(boxes, pairs.index, batch_dims=1)[..., :values]
    offsets, grid, anchors, stride, scale_xy = tf.split(
        tf.gather(table, pairs.index), [2, 2, 2, 1, 1], axis=-1
    )
    decode = CODECS[levels[0].codec].decode
    boxes = decode(boxes, anchors, stride, scale_xy, GridCells(offsets, grid))
    return pairs.candidates(cxcywh_to_yxyx(boxes))


def _table(level: Level, raw: tf.Tensor) -> np.ndarray:
    """[rows * cols * A, 8] float32: cell, grid, anchor, stride and scale of each box of a level."""
    rows, cols, anchors = raw.shape[1:4]
    row, col, anchor = np.indices((rows, cols, anchors)).reshape(3, -1)
    same = [cols, rows, *np.zeros(2), level.stride, level.scale_xy]
    table = np.tile(np.float32([0, 0, *same]), [len(row), 1])
    table[:, 0], table[:, 1], table[:, 4:6] = col, row, level.anchors[anchor]
    return table
