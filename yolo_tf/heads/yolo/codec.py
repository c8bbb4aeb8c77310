"""From raw outputs to boxes and class probabilities: the codecs of the YOLO family.

See algorithms.md 2.

Classes are independent, or there is one class a box.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from yolo_tf.ops.candidates import CandidateConfig, ScoredPairs, best_pairs

# exp(10) is a box 22,000 times its anchor: beyond any image, before any overflow.
_MAX_EXP = 10.0


def cell_offsets(rows: int, cols: int) -> tf.Tensor:
    """(col, row) of each cell: [rows, cols, 1, 2] float32."""
    y, x = tf.meshgrid(tf.range(rows), tf.range(cols), indexing="ij")
    return tf.cast(tf.stack([x, y], axis=-1)[:, :, None, :], tf.float32)


class GridCells(NamedTuple):
    """Where raw outputs stand, for rows that are no whole grid."""

    offsets: tf.Tensor  # [..., 2] (col, row)
    grid: tf.Tensor  # [..., 2] (cols, rows) of their level


def decode_exp(
    raw: tf.Tensor, anchors: tf.Tensor, stride: int, scale_xy: float, cells: GridCells | None = None
) -> tf.Tensor:
    """Boxes of YOLOv2 to YOLOv4: logistic centre in its cell, exponential size.

    See algorithms.md 2.1, 2.2.

    Args:
      raw: [..., rows, cols, A, 4] (tx, ty, tw, th).
      anchors: [A, 2] (width, height) in pixels of the network input.
      stride: pixels per cell.
      scale_xy: how far a centre may leave its cell; 1 not at all, 2 half a cell.
      cells: those of rows [..., 4] of any levels; anchors [..., 2], stride and scale_xy [..., 1]
        are then those of each row.

    Returns:
      boxes_cxcywh in the shape of `raw`, normalised to the network input.
    """
    growth = tf.exp(tf.minimum(raw[..., 2:], _MAX_EXP))
    return _boxes(raw, growth, anchors, stride, scale_xy, cells)


def decode_exp_darknet_gradient(
    raw: tf.Tensor, anchors: tf.Tensor, stride: int, scale_xy: float, max_delta: float
) -> tf.Tensor:
    """`decode_exp` with the box gradient of Darknet's C code (algorithms.md 2.4).

    The gradient at the normalised box reaches tx, ty unchanged and tw, th times exp(t): the
    derivative of the logistic, the grid and the anchor are left out, which makes small boxes
    learn as fast as large ones. Non-finite values become 0, the rest is clipped to +-max_delta.
    """

    @tf.custom_gradient
    def decode(raw):
        def gradient(upstream):
            growth = tf.exp(tf.minimum(raw[..., 2:], _MAX_EXP))
            delta = tf.concat([upstream[..., :2], upstream[..., 2:] * growth], axis=-1)
            delta = tf.where(tf.math.is_finite(delta), delta, 0.0)
            return tf.clip_by_value(delta, -max_delta, max_delta)

        return decode_exp(raw, anchors, stride, scale_xy), gradient

    return decode(raw)


def decode_scaled(
    raw: tf.Tensor, anchors: tf.Tensor, stride: int, scale_xy: float, cells: GridCells | None = None
) -> tf.Tensor:
    """Boxes of Scaled-YOLOv4 and YOLOv7 (Darknet: new_coords): sizes below 4 anchors.

    See algorithms.md 2.3.

    Source: C.-Y. Wang et al. 2020, arXiv:2011.08036. Arguments and result as `decode_exp`.
    """
    growth = (2 * tf.sigmoid(raw[..., 2:])) ** 2
    return _boxes(raw, growth, anchors, stride, scale_xy, cells)


def decode_scaled_darknet_gradient(
    raw: tf.Tensor, anchors: tf.Tensor, stride: int, scale_xy: float, max_delta: float
) -> tf.Tensor:
    """`decode_scaled`, whose gradient is that at the normalised box, clipped to +-max_delta.

    The logistic's derivative comes from `logistic_gradient`, once for all fields.
    """

    @tf.custom_gradient
    def decode(raw):
        def gradient(upstream):
            delta = tf.where(tf.math.is_finite(upstream), upstream, 0.0)
            return tf.clip_by_value(delta, -max_delta, max_delta)

        return decode_scaled(raw, anchors, stride, scale_xy), gradient

    return decode(raw)


def decode_gaussian(
    raw: tf.Tensor, anchors: tf.Tensor, stride: int, scale_xy: float, cells: GridCells | None = None
) -> tf.Tensor:
    """`decode_exp` of the means of Gaussian YOLOv3, J. Choi et al. 2019, arXiv:1904.04620.

    Args:
      raw: [..., rows, cols, A, 8]: tx, ty, tw, th, each followed by the logit of its deviation.
      anchors, stride, scale_xy, cells: as of `decode_exp`.

    Returns:
      boxes_cxcywh [..., rows, cols, A, 4], normalised to the network input.
    """
    return decode_exp(raw[..., ::2], anchors, stride, scale_xy, cells)


def decode_gaussian_darknet_gradient(
    raw: tf.Tensor, anchors: tf.Tensor, stride: int, scale_xy: float, max_delta: float
) -> tf.Tensor:
    """`decode_gaussian` with the gradient of `decode_exp_darknet_gradient`."""
    return decode_exp_darknet_gradient(raw[..., ::2], anchors, stride, scale_xy, max_delta)


def certainty(raw: tf.Tensor) -> tf.Tensor:
    """1 minus the mean deviation of each box: [..., 8] as of `decode_gaussian` to [...]."""
    return 1 - tf.reduce_mean(tf.sigmoid(raw[..., 1::2]), axis=-1)


@tf.custom_gradient
def logistic_gradient(raw: tf.Tensor):
    """Unchanged; its gradient is multiplied by the derivative of the logistic at `raw`.

    Darknet's networks with new_coords end in a logistic convolution, so all their gradients pass
    through it, those of the cross-entropies too (algorithms.md 2.5).
    """
    probability = tf.sigmoid(raw)
    return raw, lambda upstream: upstream * probability * (1 - probability)


def _boxes(raw, growth, anchors, stride, scale_xy, cells=None):
    """Normalised cxcywh from the raw centres and the sizes in anchors (algorithms.md 2.1)."""
    offsets, grid = cells or _whole_grid(raw)
    centres = (tf.sigmoid(raw[..., :2]) * scale_xy - (scale_xy - 1) / 2 + offsets) / grid
    return tf.concat([centres, growth * anchors / (grid * stride)], axis=-1)


def _whole_grid(raw) -> GridCells:
    rows, cols = tf.shape(raw)[-4], tf.shape(raw)[-3]
    grid = tf.cast(tf.stack([cols, rows]), raw.dtype)
    return GridCells(tf.cast(cell_offsets(rows, cols), raw.dtype), grid)


class Codec(NamedTuple):
    decode: Callable
    decode_darknet_gradient: Callable
    # What all fields of the raw output pass through where gradients are Darknet's.
    front: Callable = tf.identity
    values: int = 4  # raw ones of a box
    # Factor of the scores of a box, 0 to 1, of these raw values; None: 1.
    certainty: Callable | None = None


# config.head.codec -> its functions. A new codec: its functions above, a line here.
CODECS = {
    "exp": Codec(decode_exp, decode_exp_darknet_gradient),
    "scaled": Codec(decode_scaled, decode_scaled_darknet_gradient, front=logistic_gradient),
    "gaussian": Codec(
        decode_gaussian, decode_gaussian_darknet_gradient, values=8, certainty=certainty
    ),
}


# A cell's box is compared with the truths only if it is this sure of a class
# (algorithms.md 4.5, 4.9).
_SURE = 0.25


class Sigmoid:
    """Each class for itself: YOLOv3 and later."""

    @staticmethod
    def probability(logits: tf.Tensor) -> tf.Tensor:
        """[..., C] -> [..., C]."""
        return tf.sigmoid(logits)

    @staticmethod
    def best_pairs(
        logits: tf.Tensor, objectness: tf.Tensor, config: CandidateConfig
    ) -> ScoredPairs:
        """`candidates.best_pairs` of logits [B, N, C] and the probability of each box [B, N]."""
        return best_pairs(logits, config, objectness, tf.sigmoid)

    @staticmethod
    def entropy(truth: tf.Tensor, logits: tf.Tensor, smoothing: float) -> tf.Tensor:
        """Cross-entropy of each class: truth [..., C] in {0, 1} and logits -> [..., C]."""
        truth = truth * (1 - smoothing) + smoothing / 2
        return tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)

    @staticmethod
    def likely(logits: tf.Tensor) -> tf.Tensor:
        """[..., C] -> [..., C] bool: classes of a probability above 0.25."""
        return logits > math.log(_SURE / (1 - _SURE))


class Softmax:
    """Classes that exclude each other: YOLOv2's region layer. Methods as `Sigmoid`'s."""

    @staticmethod
    def probability(logits: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(logits)

    @staticmethod
    def best_pairs(
        logits: tf.Tensor, objectness: tf.Tensor, config: CandidateConfig
    ) -> ScoredPairs:
        return best_pairs(tf.nn.softmax(logits), config, objectness)

    @staticmethod
    def entropy(truth: tf.Tensor, logits: tf.Tensor, smoothing: float) -> tf.Tensor:
        truth = truth * (1 - smoothing) + smoothing / logits.shape[-1]
        return -truth * tf.nn.log_softmax(logits)

    @staticmethod
    def likely(logits: tf.Tensor) -> tf.Tensor:
        return tf.nn.log_softmax(logits) > math.log(_SURE)


# config.head.class_activation -> how class logits are read
CLASS_ACTIVATIONS = {"sigmoid": Sigmoid, "softmax": Softmax}
