"""The best (box, class) pairs of a YOLO's raw outputs: only their boxes are decoded."""

import math

import numpy as np
import tensorflow as tf

from yolo_tf.heads.yolo.codec import CODECS, Cells
from yolo_tf.heads.yolo.level import Level
from yolo_tf.ops.boxes import cxcywh_to_yxyx
from yolo_tf.ops.candidates import Candidates, Search, split_columns


def find_candidates(levels: list[Level], raws: list[tf.Tensor], search: Search) -> Candidates:
    """`Head.candidates` of raw outputs [B, rows, cols, A, 5 + C], one for each level."""
    fields = raws[0].shape[-1]
    flat = [tf.reshape(raw, [-1, math.prod(raw.shape[1:4]), fields]) for raw in raws]
    boxes, logits = split_columns(tf.concat(flat, axis=1), 5)
    pairs = levels[0].classes.best_pairs(logits, tf.sigmoid(boxes[..., 4]), search)

    table = np.concatenate([_table(level, raw) for level, raw in zip(levels, raws, strict=True)])
    boxes = tf.gather(boxes, pairs.index, batch_dims=1)[..., :4]
    offsets, grid, anchors, stride, scale_xy = tf.split(
        tf.gather(table, pairs.index), [2, 2, 2, 1, 1], axis=-1
    )
    decode = CODECS[levels[0].codec].decode
    boxes = decode(boxes, anchors, stride, scale_xy, Cells(offsets, grid))
    return pairs.candidates(cxcywh_to_yxyx(boxes))


def _table(level: Level, raw: tf.Tensor) -> np.ndarray:
    """[rows * cols * A, 8] float32: cell, grid, anchor, stride and scale of each box of a level."""
    rows, cols, anchors = raw.shape[1:4]
    row, col, anchor = np.indices((rows, cols, anchors)).reshape(3, -1)
    same = [cols, rows, *np.zeros(2), level.stride, level.scale_xy]
    table = np.tile(np.float32([0, 0, *same]), [len(row), 1])
    table[:, 0], table[:, 1], table[:, 4:6] = col, row, level.anchors[anchor]
    return table
