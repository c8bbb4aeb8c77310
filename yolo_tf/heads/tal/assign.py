"""Task-aligned assignment: a truth takes the points that both classify and place it best.

Source: C. Feng et al., "TOOD: Task-aligned One-stage Object Detection", 2021, arXiv:2108.07755;
PP-YOLOE (arXiv:2203.16250). Differences from implementations of these: a point outside of a truth
is never assigned to it; points whose metric is 0 are not taken; a level may have fewer points than
are wanted.
"""

import tensorflow as tf

from yolo_tf.config import TalAssignConfig
from yolo_tf.heads.grid import Grid
from yolo_tf.heads.tal.points import (
    SoftMatches,
    best_of_own_truth,
    mark,
    of_own_truth,
    points_inside,
    real_truths,
    settle,
)
from yolo_tf.ops.boxes import pairwise_ciou, pairwise_iou

_EPSILON = 1e-9


def task_aligned(
    truths: tf.Tensor,
    classes: tf.Tensor,
    scores: tf.Tensor,
    predicted: tf.Tensor,
    grid: Grid,
    config: TalAssignConfig,
) -> SoftMatches:
    """Assigns points to truths by what they predict; a constant in the gradient.

    The soft score of a point is its metric over the best metric of its truth, times the best
    overlap of its truth. With ties the first point and the first truth win.

    Args:
      truths: [B, M, 4] yxyx pixels, M at least 1. Boxes without area take nothing.
      classes: [B, M] int32; -1 is padding, which may stand anywhere.
      scores: [B, N, C] float32 probabilities.
      predicted: [B, N, 4] float32 yxyx pixels.
      grid: the N points.
    """
    scores, predicted = tf.stop_gradient(scores), tf.stop_gradient(predicted)
    inside = points_inside(truths, real_truths(truths, classes), grid, config.min_side)
    overlap = tf.where(inside, OVERLAPS[config.overlap](truths, predicted), 0.0)
    by_class = tf.transpose(_power(scores, config.alpha), [0, 2, 1])
    own_class = tf.gather(by_class, tf.maximum(classes, 0), batch_dims=1)
    metric = own_class * _power(overlap, config.beta)

    highest, index = tf.math.top_k(metric, min(config.top_k, metric.shape[2]))
    chosen = mark(index, highest > 0, metric.shape[2])
    truth = settle(chosen, inside if config.conflicts == "containing" else chosen, overlap)

    limit = tf.shape(truths)[1]
    metric, overlap = of_own_truth(metric, truth), of_own_truth(overlap, truth)
    best_metric = best_of_own_truth(metric, truth, limit)
    best_overlap = best_of_own_truth(overlap, truth, limit)
    return SoftMatches(truth, metric / (best_metric + _EPSILON) * best_overlap)


def _power(values: tf.Tensor, exponent: float) -> tf.Tensor:
    """values ** exponent, of values of at least 0; `tf.pow` takes as long as 14 products."""
    if exponent == 0.5:
        return tf.sqrt(values)
    if exponent not in range(1, 9):
        return tf.pow(values, exponent)
    power, square, rest = None, values, int(exponent)
    while rest:
        if rest % 2:
            power = square if power is None else power * square
        rest //= 2
        square = square * square if rest else square
    return power


def _ciou_from_0(truths, predicted):
    """CIoU, at least 0, to the same bit for equal truths: the first of them must win ties.

    TensorFlow's arctangent of a number depends on its place: the last few of a tensor, which do
    not fill a vector register, are computed by other code and may differ in the last bit.
    """
    equal = tf.reduce_all(truths[:, :, tf.newaxis] == truths[:, tf.newaxis], axis=-1)
    first = tf.argmax(tf.cast(equal, tf.int32), axis=-1, output_type=tf.int32)
    overlap = tf.maximum(pairwise_ciou(truths, predicted), 0.0)
    return tf.gather(overlap, first, batch_dims=1)


# config.head.assign.overlap -> (truths [B, M, 4], predicted [B, N, 4]) -> [B, M, N] from 0 on
OVERLAPS = {"ciou": _ciou_from_0, "iou": pairwise_iou}
