"""SimOTA: which cells answer for which truth, by the cost of what they predict (algorithms.md 3.6).

Source: Z. Ge et al., "YOLOX: Exceeding YOLO Series in 2021", 2021, arXiv:2107.08430; the variants
are those of Megvii's YOLOX and of super-gradients, less their errors: the radius always acts, an
image without a candidate has no match, empty boxes are no NaN (10.16 to 10.19).

All images go together through tensors [B, M, N], M truths (with padding) and N cells; none of
them has an axis of classes.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from yolo_tf.config import SimotaConfig
from yolo_tf.heads.grid import Grid
from yolo_tf.ops.boxes import iou, pairwise_iou

_IOU_WEIGHT = 3.0
# A cell that is no strong candidate of a truth comes after all that are (algorithms.md 3.8). In
# float32 this rounds its cost to 1/128.
_WEAK_PENALTY = 1e5
_EPSILON = 1e-8
_LEAST_LOG = -100.0


class CellMatches(NamedTuple):
    """The truth of each cell."""

    truth: tf.Tensor  # [B, N] int32, a row of the truths; -1: none
    iou: tf.Tensor  # [B, N] float32, of the cell's box and its truth; 0 where there is none


def match(
    truths: tf.Tensor,
    classes: tf.Tensor,
    predicted: tf.Tensor,
    objectness: tf.Tensor,
    logits: tf.Tensor,
    grid: Grid,
    config: SimotaConfig,
) -> CellMatches:
    """Matches cells to truths; a constant in the gradient.

    Args:
      truths: [B, M, 4] yxyx pixels, M at least 1. Boxes without area match nothing.
      classes: [B, M] int32; -1 is padding, which may stand anywhere.
      predicted: [B, N, 4] yxyx pixels.
      objectness: [B, N] logits.
      logits: [B, N, C] class logits.
      grid: the N cells.

    With ties the first cell and the first truth win.
    """
    predicted, objectness, logits = map(tf.stop_gradient, (predicted, objectness, logits))
    real = (classes >= 0) & tf.reduce_all(truths[..., 2:] > truths[..., :2], axis=-1)
    candidate, strong = find_candidates(truths, real, grid, config)
    overlap = tf.where(candidate, pairwise_iou(truths, predicted), 0.0)
    cost = class_cost(classes, objectness, logits) - _IOU_WEIGHT * tf.math.log(overlap + _EPSILON)
    cost = tf.where(candidate, cost + tf.where(strong, 0.0, _WEAK_PENALTY), np.inf)
    truth = _assign(cost, dynamic_k(overlap, config), config)
    matched = tf.gather(truths, tf.maximum(truth, 0), batch_dims=1)
    return CellMatches(truth, tf.where(truth >= 0, iou(matched, predicted), 0.0))


def find_candidates(truths, real, grid: Grid, config: SimotaConfig) -> tuple[tf.Tensor, tf.Tensor]:
    """The cells that a truth may take, and those of them that it should (algorithms.md 3.6).

    Args:
      truths: [B, M, 4] yxyx pixels.
      real: [B, M] bool.

    Returns:
      candidate, strong: [B, M, N] bool.
    """
    ymin, xmin, ymax, xmax = (side[..., None] for side in tf.unstack(truths, axis=-1))
    middle_x, middle_y = (xmin + xmax) / 2, (ymin + ymax) / 2
    radius = grid.strides[:, 0] * np.float32(config.center_radius)
    x, y = grid.centres.T
    in_box = (x > xmin) & (x < xmax) & (y > ymin) & (y < ymax)
    in_centre = (
        (x > middle_x - radius)
        & (x < middle_x + radius)
        & (y > middle_y - radius)
        & (y < middle_y + radius)
    )
    near = in_centre if config.candidates == "centre" else in_box | in_centre
    near &= real[..., None]
    strong = in_centre if config.candidates == "centre" else in_box & in_centre
    if config.candidates == "own":
        return near, strong
    return tf.reduce_any(near, axis=1, keepdims=True) & real[..., None], strong


def class_cost(classes, objectness, logits) -> tf.Tensor:
    """Cross-entropy of each cell's scores and each truth's class, over all classes.

    See algorithms.md 3.7.

    The score is the root of class probability times objectness. The sum over the classes of the
    terms of a wrong class is one number a cell; the term of the right class replaces one of it.

    Args:
      classes: [B, M] int32; where negative the result has no meaning.
      objectness: [B, N] logits.
      logits: [B, N, C].

    Returns:
      [B, M, N].
    """
    log_score = 0.5 * (tf.math.log_sigmoid(logits) + tf.math.log_sigmoid(objectness)[..., None])
    right = tf.maximum(log_score, _LEAST_LOG)
    wrong = tf.maximum(tf.math.log(-tf.math.expm1(log_score)), _LEAST_LOG)
    by_class = tf.transpose(wrong - right, [0, 2, 1])
    own = tf.gather(by_class, tf.maximum(classes, 0), batch_dims=1)
    return own - tf.reduce_sum(wrong, axis=-1)[:, None]


def dynamic_k(overlap: tf.Tensor, config: SimotaConfig) -> tf.Tensor:
    """How many cells each truth takes: [B, M, N] IoU, 0 if no candidate -> [B, M] int32.

    See algorithms.md 3.9.
    """
    best = tf.math.top_k(overlap, min(config.top_candidates, overlap.shape[-1])).values
    total = tf.reduce_sum(best, axis=-1) * config.k_factor
    return tf.maximum(tf.cast(total, tf.int32), 1)


def _assign(cost: tf.Tensor, k: tf.Tensor, config: SimotaConfig) -> tf.Tensor:
    """The k cheapest cells of each truth, each cell for one truth alone (algorithms.md 3.10).

    Args:
      cost: [B, M, N]; infinite where the cell is no candidate.
      k: [B, M] int32.

    Returns:
      [B, N] int32: the truth of each cell, -1: none.
    """
    batch, limit, cells = tf.shape(cost)[0], tf.shape(cost)[1], cost.shape[2]
    most = min(int(config.top_candidates * max(config.k_factor, 1.0)), cells)
    lowest, cell = tf.math.top_k(-cost, most)
    lowest = -lowest
    taken = (tf.range(most) < k[..., None]) & (lowest < np.inf)
    index = cell + tf.range(batch)[:, None, None] * cells
    row = tf.range(limit)[:, None]

    def least(values, chosen, other):
        """[B, N] the least of the values that are chosen and of this cell."""
        values = tf.where(chosen, values, other)
        found = tf.math.unsorted_segment_min(values, index, batch * cells)
        return tf.reshape(found, [batch, cells])

    if config.conflicts == "selected":
        cheapest = tf.reshape(least(lowest, taken, np.inf), [-1])
        truth = least(row, taken & (lowest == tf.gather(cheapest, index)), limit)
    else:
        truth = least(row, taken, limit)
        contested = -least(-row, taken, 1) > truth
        truth = tf.where(contested, _first_least(cost), truth)
    return tf.where(truth < limit, truth, -1)


def _first_least(cost):
    """[B, M, N] -> [B, N] int32, the first row with the least cost."""
    limit = tf.shape(cost)[1]
    rows = tf.range(limit)[None, :, None]
    least = tf.reduce_min(cost, axis=1, keepdims=True)
    return tf.reduce_min(tf.where(cost == least, rows, limit), axis=1)
