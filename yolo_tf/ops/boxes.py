"""Box geometry: conversions and the IoU family.

Boxes are `[..., 4]` float tensors, yxyx = (ymin, xmin, ymax, xmax) with ymin <= ymax and
xmin <= xmax, or cxcywh = (centre x, centre y, width, height), both in any one unit. The IoU
functions work elementwise and broadcast: `[..., 4]` and `[..., 4]` give `[...]`. Their first
argument is the truth, the second the prediction. Every division is a / (b + 1e-9), as in
TensorFlow Model Garden, so empty boxes give finite numbers; two empty boxes have IoU 0.
"""

import math
from typing import NamedTuple

import tensorflow as tf

EPSILON = 1e-9


def yxyx_to_cxcywh(boxes: tf.Tensor) -> tf.Tensor:
    """Corners to centre, width and height; `[..., 4]` to `[..., 4]`, unit unchanged."""
    ymin, xmin, ymax, xmax = tf.unstack(boxes, 4, axis=-1)
    return tf.stack([(xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin], axis=-1)


def cxcywh_to_yxyx(boxes: tf.Tensor) -> tf.Tensor:
    """Centre, width and height to corners; `[..., 4]` to `[..., 4]`, unit unchanged."""
    x, y, width, height = tf.unstack(boxes, 4, axis=-1)
    half_width, half_height = width / 2, height / 2
    corners = [y - half_height, x - half_width, y + half_height, x + half_width]
    return tf.stack(corners, axis=-1)


def iou(truth: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Intersection over union, 0..1. Its gradient is 0 where the boxes do not touch."""
    return _overlap(truth, prediction).iou


def giou(truth: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Generalised IoU, -1..1: less the empty share of the enclosing box (arXiv:1902.09630)."""
    pair = _overlap(truth, prediction)
    height, width = _enclosing_size(pair)
    enclosing = height * width
    return pair.iou - _divide(enclosing - pair.union, enclosing)


def diou(truth: tf.Tensor, prediction: tf.Tensor, beta: float = 1.0) -> tf.Tensor:
    """Distance IoU, -1..1: less (centre distance / enclosing diagonal)^2 (arXiv:1911.08287).

    `beta` is a further exponent on that penalty (Darknet's NMS and loss use 0.6); below 1 the
    gradient is not finite where the centres coincide.
    """
    pair = _overlap(truth, prediction)
    penalty = _centre_distance(pair)
    return pair.iou - (penalty if beta == 1.0 else tf.pow(penalty, beta))


def ciou(truth: tf.Tensor, prediction: tf.Tensor, scale_aspect: bool = False) -> tf.Tensor:
    """Complete IoU: DIoU less a weighted difference of the aspect ratios (arXiv:1911.08287).

    The weight is a constant in the gradient, as in the paper. With `scale_aspect` the aspect
    term is multiplied by the prediction's squared diagonal w^2 + h^2, also a constant in the
    gradient: Model Garden's Darknet form, which tames the gradient of small boxes
    (algorithms.md 1.5).
    """
    pair = _overlap(truth, prediction)
    (true_height, true_width), (height, width) = pair.truth_size, pair.prediction_size
    angle = tf.atan(_divide(width, height)) - tf.atan(_divide(true_width, true_height))
    aspect = 4 / math.pi**2 * tf.square(angle)
    # The IoU of equal boxes may round to more than 1, so the denominator could reach 0.
    weight = _divide(aspect, tf.maximum(1 - pair.iou + aspect, 1e-7))
    if scale_aspect:
        weight *= tf.square(width) + tf.square(height)
    return pair.iou - _centre_distance(pair) - tf.stop_gradient(weight) * aspect


def pairwise_iou(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """IoU of every box of `a` `[..., N, 4]` with every box of `b` `[..., M, 4]`: `[..., N, M]`."""
    return iou(a[..., :, tf.newaxis, :], b[..., tf.newaxis, :, :])


def pairwise_ciou(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """CIoU of every truth of `a` `[..., N, 4]` with every prediction of `b`: `[..., N, M]`."""
    return ciou(a[..., :, tf.newaxis, :], b[..., tf.newaxis, :, :])


class _Pair(NamedTuple):
    """What the measures share. Corners are (ymin, xmin, ymax, xmax), sizes (height, width)."""

    truth: list[tf.Tensor]
    prediction: list[tf.Tensor]
    truth_size: tuple[tf.Tensor, tf.Tensor]
    prediction_size: tuple[tf.Tensor, tf.Tensor]
    union: tf.Tensor
    iou: tf.Tensor


def _overlap(truth: tf.Tensor, prediction: tf.Tensor) -> _Pair:
    # Unstacked, because elementwise operations and broadcasts are slow along an axis of 4.
    t = tf.unstack(truth, 4, axis=-1)
    p = tf.unstack(prediction, 4, axis=-1)
    # maximum, not relu: its gradient passes at exactly 0, so an empty box can grow again.
    height = tf.maximum(tf.minimum(t[2], p[2]) - tf.maximum(t[0], p[0]), 0.0)
    width = tf.maximum(tf.minimum(t[3], p[3]) - tf.maximum(t[1], p[1]), 0.0)
    intersection = height * width
    truth_size = (t[2] - t[0], t[3] - t[1])
    prediction_size = (p[2] - p[0], p[3] - p[1])
    union = truth_size[0] * truth_size[1] + prediction_size[0] * prediction_size[1] - intersection
    return _Pair(t, p, truth_size, prediction_size, union, _divide(intersection, union))


def _enclosing_size(pair: _Pair) -> tuple[tf.Tensor, tf.Tensor]:
    t, p = pair.truth, pair.prediction
    height = tf.maximum(t[2], p[2]) - tf.minimum(t[0], p[0])
    width = tf.maximum(t[3], p[3]) - tf.minimum(t[1], p[1])
    return height, width


def _centre_distance(pair: _Pair) -> tf.Tensor:
    """Squared distance of the centres over the squared diagonal of the enclosing box."""
    t, p = pair.truth, pair.prediction
    # (a0 + a1) / 2 - (b0 + b1) / 2, with the halves taken out of the squares.
    distance = tf.square(p[0] + p[2] - t[0] - t[2]) + tf.square(p[1] + p[3] - t[1] - t[3])
    height, width = _enclosing_size(pair)
    return _divide(distance / 4, tf.square(height) + tf.square(width))


def _divide(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return a / (b + EPSILON)
