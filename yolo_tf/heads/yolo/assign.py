"""Which anchors and cells answer for which ground-truth box (algorithms.md 3).

Everything is batched and static in shape: a policy returns a mask over all anchors, and no row is
sorted or removed.
"""

from typing import NamedTuple

import tensorflow as tf

from yolo_tf.config import AssignConfig

# Own cell, left, up, right, down as (x, y) steps (algorithms.md 3.4)
_SHIFTS = ((0, 0), (-1, 0), (0, -1), (1, 0), (0, 1))


class AnchorCandidates(NamedTuple):
    """What a policy chooses from: boxes [B, N], and the anchors of all levels, finest first."""

    sizes: tf.Tensor  # [B, N, 2] (width, height) of the boxes, pixels; positive
    centres: tf.Tensor  # [B, N, 2] (x, y) of the boxes, normalised
    anchors: tf.Tensor  # [A, 2] (width, height), pixels
    grids: tf.Tensor  # [A, 2] (cols, rows) of the level of each anchor, float32
    input_size: tf.Tensor  # [2] (width, height), pixels


def size_iou(sizes: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """IoU of concentric boxes: sizes [..., 2], anchors [A, 2], same unit -> [..., A]."""
    sides = tf.minimum(sizes[..., None, :], anchors)
    inter = sides[..., 0] * sides[..., 1]
    union = (sizes[..., 0] * sizes[..., 1])[..., None] + anchors[:, 0] * anchors[:, 1] - inter
    return tf.math.divide_no_nan(inter, union)


def size_ratio(sizes: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """Largest side ratio of box and anchor, 1 = same size: [..., 2], [A, 2] -> [..., A]."""
    ratio = sizes[..., None, :] / anchors
    return tf.reduce_max(tf.maximum(ratio, 1 / ratio), axis=-1)


def match_threshold(candidates: AnchorCandidates, config: AssignConfig) -> tf.Tensor:
    """Anchors within a threshold, and the best of all levels (algorithms.md 3.2).

    Model Garden calls `threshold` match_threshold, `require_threshold` best_match_only and
    `extra_matches` use_tie_breaker.

    Returns:
      [B, N, A] bool. With ties the first anchor is the best.
    """
    if config.threshold < 1:
        score = size_iou(candidates.sizes, candidates.anchors)
        good = score >= config.threshold
    else:
        ratio = size_ratio(candidates.sizes, candidates.anchors)
        score, good = -ratio, ratio < config.threshold
    if config.require_threshold:
        return good
    return (_best(score) | good) if config.extra_matches else _best(score)


def match_best(candidates: AnchorCandidates, config: AssignConfig) -> tf.Tensor:
    """The one anchor of all levels with the best IoU: YOLOv3's paper, yolov3-tf2.

    See algorithms.md 3.1.
    """
    del config
    return _best(size_iou(candidates.sizes, candidates.anchors))


def match_cell_iou(candidates: AnchorCandidates, config: AssignConfig) -> tf.Tensor:
    """Every anchor above an IoU with the box, or else the best one (algorithms.md 3.3).

    An anchor stands in the middle of the box's cell of its level, so the IoU depends on where in
    the cell the box is. Source: YunYang1994's TensorFlow2.0-Examples.
    """
    cells = own_cell(candidates.centres[:, :, None, :], candidates.grids)
    distance = candidates.centres[:, :, None, :] - (cells + 0.5) / candidates.grids
    distance = tf.abs(distance * candidates.input_size)
    sizes, anchors = candidates.sizes[:, :, None, :], candidates.anchors
    # Along each axis: half of both sides less the distance, but no more than either side.
    shared = tf.minimum((sizes + anchors) / 2 - distance, tf.minimum(sizes, anchors))
    inter = tf.reduce_prod(tf.maximum(shared, 0.0), axis=-1)
    union = tf.reduce_prod(sizes, -1) + tf.reduce_prod(anchors, -1) - inter
    score = tf.math.divide_no_nan(inter, union)
    good = score > config.threshold
    return good | (_best(score) & ~tf.reduce_any(good, axis=-1, keepdims=True))


def _best(score: tf.Tensor) -> tf.Tensor:
    """[B, N, A] -> [B, N, A] bool: the first of the greatest."""
    return tf.one_hot(tf.argmax(score, axis=-1), score.shape[-1], on_value=True, off_value=False)


# A new policy: a function like the three above, and its line here.
POLICIES = {"threshold": match_threshold, "best": match_best, "cell_iou": match_cell_iou}


def own_cell(centres: tf.Tensor, grid: tf.Tensor) -> tf.Tensor:
    """(col, row) of the cell of each centre, clamped to the grid.

    Args:
      centres: [..., 2] (x, y) normalised.
      grid: [..., 2] (cols, rows), float32.

    Returns:
      [..., 2] float32, whole numbers.
    """
    return tf.clip_by_value(tf.floor(centres * grid), 0.0, grid - 1)


def find_cells(
    centres: tf.Tensor, rows: int, cols: int, scale_xy: float, neighbours: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """The cell of each centre and, where `scale_xy` lets them reach it, its neighbours.

    See algorithms.md 3.4.

    Args:
      centres: [B, N, 2] (x, y) normalised.

    Returns:
      cells [B, N, S, 2] int32 (row, col), clamped to the grid; valid [B, N, S] bool. S is 1
      without neighbours, else 5: itself, left, up, right, down.
    """
    size = tf.constant([cols, rows], tf.float32)
    grid = centres * size
    reach = (scale_xy - 1) / 2
    if not neighbours or reach <= 0:
        cells = own_cell(centres, size)[:, :, None, :]
        valid = tf.ones(tf.shape(cells)[:-1], tf.bool)
    else:
        fraction = grid - tf.floor(grid)
        before = (fraction < reach) & (grid > 1)  # x: left, y: up
        after = (fraction > 1 - reach) & (grid < size - 1)  # x: right, y: down
        valid = tf.concat([tf.ones_like(before[..., :1]), before, after], axis=-1)
        shifts = tf.constant(_SHIFTS, tf.float32) * reach
        cells = tf.clip_by_value(tf.floor(grid[:, :, None, :] + shifts), 0.0, size - 1)
    return tf.cast(tf.reverse(cells, axis=[-1]), tf.int32), valid


def encode(boxes, classes, anchors, grids, scale_xy, input_size, config: AssignConfig):
    """Ground truth -> targets of every level.

    Args:
      boxes: [B, N, 4] yxyx normalised. Boxes without area and rows of class -1 match nothing.
      classes: [B, N] int32.
      anchors: stride -> [A, 2] (width, height) pixels.
      grids: stride -> (rows, cols).
      scale_xy: stride -> float.
      input_size: (height, width) pixels.

    Returns:
      {"boxes": [B, N, 4] yxyx, "classes": [B, N],
       "levels": {stride: {"cells": [B, N, S, 2] int32 (row, col),
                           "matches": [B, N, S, A] bool: this anchor in this cell is positive}}}
    """
    height, width = input_size
    sizes = tf.stack([boxes[..., 3] - boxes[..., 1], boxes[..., 2] - boxes[..., 0]], axis=-1)
    centres = tf.stack([boxes[..., 3] + boxes[..., 1], boxes[..., 2] + boxes[..., 0]], axis=-1) / 2
    real = (classes >= 0) & tf.reduce_all(sizes > 0, axis=-1)
    strides = sorted(anchors)
    counts = [len(anchors[s]) for s in strides]
    input_size = tf.constant([width, height], tf.float32)
    candidates = AnchorCandidates(
        sizes=tf.maximum(sizes, 1e-9) * input_size,
        centres=centres,
        anchors=tf.concat([anchors[s] for s in strides], axis=0),
        grids=tf.constant([grids[s][::-1] for s in strides for _ in anchors[s]], tf.float32),
        input_size=input_size,
    )
    matches = POLICIES[config.policy](candidates, config) & real[..., None]
    by_level = tf.split(matches, counts, axis=-1)
    levels = {}
    for stride, match in zip(strides, by_level, strict=True):
        cells, valid = find_cells(centres, *grids[stride], scale_xy[stride], config.neighbour_cells)
        levels[stride] = {
            "cells": cells,
            "matches": valid[..., None] & match[:, :, None, :],
        }
    boxes = tf.where(real[..., None], boxes, 0.0)
    return {"boxes": boxes, "classes": tf.where(real, classes, -1), "levels": levels}
