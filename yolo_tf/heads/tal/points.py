"""Points and truths: which point lies in which truth, and whose a point becomes.

A point is the centre of a cell. All images go together through tensors [B, M, N], M truths (with
padding) and N points; none of them has an axis of four corners or of classes.
"""

from typing import NamedTuple

import tensorflow as tf

from yolo_tf.heads.grid import Grid


class SoftMatches(NamedTuple):
    """The truth of each point, and what its score for the class of the truth should be."""

    truth: tf.Tensor  # [B, N] int32, a row of the truths; -1: background
    score: tf.Tensor  # [B, N] float32, 0..1; 0 for background


def real_truths(truths: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """[B, M] bool: no padding, and with an area. Truths [B, M, 4] yxyx, classes [B, M]."""
    return (classes >= 0) & tf.reduce_all(truths[..., 2:] > truths[..., :2], axis=-1)


def points_inside(
    truths: tf.Tensor, real: tf.Tensor, grid: Grid, min_side: float = 0.0
) -> tf.Tensor:
    """Which points lie inside of which truths, not on their border.

    Args:
      truths: [B, M, 4] yxyx pixels.
      real: [B, M] bool; the others contain nothing.
      min_side: sides shorter than this are lengthened to it about their middle, pixels.

    Returns:
      [B, M, N] bool.
    """
    ymin, xmin, ymax, xmax = (side[..., tf.newaxis] for side in tf.unstack(truths, 4, axis=-1))
    if min_side > 0:
        (ymin, ymax), (xmin, xmax) = (
            _at_least(min_side, *ends) for ends in ((ymin, ymax), (xmin, xmax))
        )
    x, y = grid.centres.T
    inside = (x > xmin) & (x < xmax) & (y > ymin) & (y < ymax)
    return inside & real[..., tf.newaxis]


def _at_least(length: float, low: tf.Tensor, high: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    short, middle = high - low < length, (low + high) / 2
    return tf.where(short, middle - length / 2, low), tf.where(short, middle + length / 2, high)


def mark(index: tf.Tensor, chosen: tf.Tensor, points: int) -> tf.Tensor:
    """[B, M, N] bool, true at those points `index` [B, M, K] int32 that are `chosen` [B, M, K]."""
    batch, limit = tf.shape(index)[0], tf.shape(index)[1]
    first = tf.reshape(tf.range(batch * limit), [batch, limit, 1]) * points
    flat = tf.reshape(index + first, [-1, 1])
    marks = tf.scatter_nd(flat, tf.reshape(chosen, [-1]), [batch * limit * points])
    return tf.reshape(marks, [batch, limit, points])


def settle(chosen: tf.Tensor, rivals: tf.Tensor, overlap: tf.Tensor) -> tf.Tensor:
    """Gives each point to one truth.

    Args:
      chosen: [B, M, N] bool, which truths want the point.
      rivals: [B, M, N] bool, or [B, M, 1], those that may have a point that several want.
      overlap: [B, M, N] at least 0; the rival that overlaps most wins, of equal ones the first.

    Returns:
      [B, N] int32, the truth of each point; -1: none.
    """
    wanted = tf.reduce_sum(tf.cast(chosen, tf.int32), axis=1)
    allowed = chosen | (rivals & (wanted > 1)[:, tf.newaxis])
    # The first of equal ones: so it is in both Eigen and XLA, and the golden tests hold it.
    truth = tf.argmax(tf.where(allowed, overlap, -1.0), axis=1, output_type=tf.int32)
    return tf.where(wanted > 0, truth, -1)


def of_own_truth(values: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
    """[B, M, N] -> [B, N], the value of each point and its truth [B, N]; 0 where it has none."""
    batch, limit, points = tf.shape(values)[0], tf.shape(values)[1], values.shape[2]
    index = tf.maximum(truth, 0) * points + tf.range(points)
    own = tf.gather(tf.reshape(values, [batch, limit * points]), index, batch_dims=1)
    return tf.where(truth >= 0, own, 0.0)


def best_of_own_truth(values: tf.Tensor, truth: tf.Tensor, limit) -> tf.Tensor:
    """[B, N] -> [B, N], the largest value that any point of the same truth has.

    Args:
      values: at least 0, and 0 where a point has no truth.
      truth: [B, N] int32, -1: none.
      limit: M.
    """
    batch = tf.shape(values)[0]
    row = tf.maximum(truth, 0) + tf.range(batch)[:, tf.newaxis] * limit
    best = tf.math.unsorted_segment_max(values, row, batch * limit)
    return tf.gather(best, row)
