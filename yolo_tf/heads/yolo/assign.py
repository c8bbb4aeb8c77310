"""Which anchors and cells answer for which ground-truth box (SPEC 3(a), 3(b)).

Everything is batched and static in shape: a policy returns a mask over all anchors, and no row is
sorted or removed.
"""

import tensorflow as tf

from yolo_tf.config import AssignConfig

# Own cell, left, up, right, down as (x, y) steps (E3.5)
_SHIFTS = ((0, 0), (-1, 0), (0, -1), (1, 0), (0, 1))


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


def match_threshold(sizes: tf.Tensor, anchors: tf.Tensor, config: AssignConfig) -> tf.Tensor:
    """Anchors within a threshold, and the best of all levels (E3.2, E3.3).

    Model Garden calls `threshold` match_threshold, `require_threshold` best_match_only and
    `extra_matches` use_tie_breaker.

    Args:
      sizes: [B, N, 2] (width, height) of the boxes, pixels; positive.
      anchors: [A, 2] (width, height) of all levels, pixels.

    Returns:
      [B, N, A] bool. With ties the first anchor is the best.
    """
    if config.threshold < 1:
        score = size_iou(sizes, anchors)
        good = score >= config.threshold
    else:
        ratio = size_ratio(sizes, anchors)
        score, good = -ratio, ratio < config.threshold
    if config.require_threshold:
        return good
    best = tf.one_hot(
        tf.argmax(score, axis=-1), tf.shape(anchors)[0], on_value=True, off_value=False
    )
    return (best | good) if config.extra_matches else best


def match_best(sizes: tf.Tensor, anchors: tf.Tensor, config: AssignConfig) -> tf.Tensor:
    """The one anchor of all levels with the best IoU: YOLOv3's paper, yolov3-tf2 (SPEC 3(a))."""
    del config
    best = tf.argmax(size_iou(sizes, anchors), axis=-1)
    return tf.one_hot(best, tf.shape(anchors)[0], on_value=True, off_value=False)


# A new policy: a function like the two above, and its line here.
POLICIES = {"threshold": match_threshold, "best": match_best}


def find_cells(
    centres: tf.Tensor, rows: int, cols: int, scale_xy: float, neighbours: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """The cell of each centre and, where `scale_xy` lets them reach it, its neighbours (E3.4).

    Args:
      centres: [B, N, 2] (x, y) normalised.

    Returns:
      cells [B, N, S, 2] int32 (row, col), clamped to the grid; valid [B, N, S] bool. S is 1
      without neighbours, else 5: itself, left, up, right, down.
    """
    size = tf.constant([cols, rows], tf.float32)
    grid = centres * size
    own = tf.clip_by_value(tf.floor(grid), 0.0, size - 1)
    reach = (scale_xy - 1) / 2
    if not neighbours or reach <= 0:
        cells = own[:, :, None, :]
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
    pixels = tf.maximum(sizes, 1e-9) * tf.constant([width, height], tf.float32)
    strides = sorted(anchors)
    every_anchor = tf.concat([anchors[s] for s in strides], axis=0)
    matches = POLICIES[config.policy](pixels, every_anchor, config) & real[..., None]
    by_level = tf.split(matches, [len(anchors[s]) for s in strides], axis=-1)
    levels = {}
    for stride, match in zip(strides, by_level, strict=True):
        cells, valid = find_cells(centres, *grids[stride], scale_xy[stride], config.neighbour_cells)
        levels[stride] = {
            "cells": cells,
            "matches": valid[..., None] & match[:, :, None, :],
        }
    boxes = tf.where(real[..., None], boxes, 0.0)
    return {"boxes": boxes, "classes": tf.where(real, classes, -1), "levels": levels}
