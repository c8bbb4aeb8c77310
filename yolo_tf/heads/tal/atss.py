"""Adaptive training sample selection: a truth takes points by its place and size alone.

Source: S. Zhang et al., "Bridging the Gap Between Anchor-based and Anchor-free Detection via
Adaptive Training Sample Selection", 2020, arXiv:1912.02424; as the warm-up of PP-YOLOE
(arXiv:2203.16250), where the soft score of a point is the IoU of what it predicts.
"""

import numpy as np
import tensorflow as tf

from yolo_tf.config import TalAssignConfig
from yolo_tf.heads.grid import Grid
from yolo_tf.heads.tal.points import SoftMatches, mark, points_inside, real_truths, settle
from yolo_tf.ops.boxes import iou, pairwise_iou

_NEAREST = 9  # candidates of a level
_ANCHOR_SIDE = 5.0  # strides, of the square about each point


def atss(
    truths: tf.Tensor,
    classes: tf.Tensor,
    scores: tf.Tensor,
    predicted: tf.Tensor,
    grid: Grid,
    config: TalAssignConfig,
) -> SoftMatches:
    """Assigns points to truths; arguments as of `assign.task_aligned`.

    The candidates of a truth are the points nearest to its centre, nine of each level. It takes
    those inside of it whose anchor overlaps it more than the mean and one standard deviation of all
    its candidates. Scores and settings are not used.
    """
    del scores, config
    real = real_truths(truths, classes)
    centres, half = grid.centres[:, ::-1], grid.strides * np.float32(_ANCHOR_SIDE / 2)
    anchors = np.concatenate([centres - half, centres + half], axis=-1)
    overlap = pairwise_iou(truths, tf.constant(anchors)[tf.newaxis])

    index = _nearest(truths, grid)
    candidates = tf.gather(overlap, index, batch_dims=2)
    chosen = mark(index, candidates > _threshold(candidates), overlap.shape[2])
    chosen &= points_inside(truths, real, grid)
    truth = settle(chosen, real[..., tf.newaxis], overlap)

    own = tf.gather(truths, tf.maximum(truth, 0), batch_dims=1)
    score = tf.where(truth >= 0, iou(own, tf.stop_gradient(predicted)), 0.0)
    return SoftMatches(truth, score)


def _nearest(truths: tf.Tensor, grid: Grid) -> tf.Tensor:
    """[B, M, K] int32, the points nearest to each truth's centre, level by level."""
    middle = (truths[..., :2] + truths[..., 2:]) / 2
    y, x = (middle[..., axis, tf.newaxis] for axis in (0, 1))
    distance = tf.square(grid.centres[:, 0] - x) + tf.square(grid.centres[:, 1] - y)
    found, first = [], 0
    for size in grid.level_sizes:
        level = -distance[..., first : first + size]
        found.append(first + tf.math.top_k(level, min(_NEAREST, size)).indices)
        first += size
    return tf.concat(found, axis=-1)


def _threshold(overlap: tf.Tensor) -> tf.Tensor:
    """[B, M, K] -> [B, M, 1]: mean and standard deviation, K - 1 its divisor; of 1 just that."""
    mean = tf.reduce_mean(overlap, axis=-1, keepdims=True)
    squares = tf.reduce_sum(tf.square(overlap - mean), axis=-1, keepdims=True)
    return mean + tf.sqrt(squares / max(overlap.shape[-1] - 1, 1))
