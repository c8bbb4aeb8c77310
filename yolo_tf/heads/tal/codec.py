"""From raw outputs to boxes and back: distances of the four sides from a point, in strides.

Sides are left, top, right, bottom, in this order. The raw output of a side is a distribution over
the distances 0, 1, ..., bins - 1 (its logits), and the distance is its mean. With one bin the raw
output gives the distance itself, by softplus: log(1 + exp(raw)) is above 0 for every raw value,
has a gradient everywhere, and grows no faster than the raw value, so that nothing overflows.

Source: X. Li et al., "Generalized Focal Loss", 2020, arXiv:2006.04388.
"""

import math

import tensorflow as tf

from yolo_tf.heads.grid import Grid

# The raw value whose softplus is 1: with one bin a side starts at one stride.
START_OF_ONE_BIN = math.log(math.exp(1.0) - 1)
# First bias of bin k, times k: of 16 bins a side starts at 2.3 strides. With equal bins it would be
# 7.5, boxes much larger than those that a level is for, and the first updates went to shrink them.
FALL_OF_BINS = -0.35


def side_logits(raw: tf.Tensor, bins: int) -> tf.Tensor:
    """[..., 4 * bins] raw -> [..., 4, bins]: the side is the slow index, the bin the fast one."""
    return tf.reshape(raw, [-1, *raw.shape[1:-1], 4, bins])


def distances(raw: tf.Tensor, bins: int) -> tf.Tensor:
    """[B, N, 4 * bins] float32 raw -> [B, N, 4] distances of the sides, in strides, at least 0."""
    if bins == 1:
        return tf.nn.softplus(raw)
    # Not a product of matrices, which TPUs and some GPUs compute with half the digits.
    values = tf.range(bins, dtype=tf.float32)
    return tf.reduce_sum(tf.nn.softmax(side_logits(raw, bins)) * values, axis=-1)


def decode(sides: tf.Tensor, grid: Grid) -> tf.Tensor:
    """Distances [..., N, 4] in strides -> boxes [..., N, 4] yxyx pixels, not clipped."""
    x, y = grid.centres[..., 0], grid.centres[..., 1]
    left, top, right, bottom = tf.unstack(sides * grid.strides, 4, axis=-1)
    return tf.stack([y - top, x - left, y + bottom, x + right], axis=-1)


def encode(boxes: tf.Tensor, grid: Grid) -> tf.Tensor:
    """Boxes [..., N, 4] yxyx pixels -> distances [..., N, 4] in strides.

    Negative where the point lies beyond a side.
    """
    x, y = grid.centres[..., 0], grid.centres[..., 1]
    ymin, xmin, ymax, xmax = tf.unstack(boxes, 4, axis=-1)
    return tf.stack([x - xmin, y - ymin, xmax - x, ymax - y], axis=-1) / grid.strides


def around_point(sides: tf.Tensor) -> tf.Tensor:
    """Distances [..., 4] -> boxes [..., 4] yxyx in strides, whose origin is their own point."""
    left, top, right, bottom = tf.unstack(sides, 4, axis=-1)
    return tf.stack([-top, -left, bottom, right], axis=-1)
