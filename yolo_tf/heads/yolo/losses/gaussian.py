"""The loss of Gaussian YOLOv3: every coordinate has a mean and a deviation (algorithms.md 4.23).

Source: J. Choi et al. 2019, arXiv:1904.04620, as Darknet's [Gaussian_yolo] layer computes it: the
deviations learn from the likelihood of the truth, the means from it too ("mse") or from an IoU.
"""

import math
from typing import ClassVar

import tensorflow as tf

from yolo_tf.heads.yolo.losses.common import clip_gradient, differences, small_box_weight
from yolo_tf.heads.yolo.losses.darknet import DarknetLoss

_MARGIN = 0.3  # Darknet adds it to the deviation in the density's denominator
_EPSILON = 1e-9  # added to the density; one that is smaller gives no gradient
_LEAST = 1e-6  # of a deviation
# Deviations from the mean, beyond which the density is far below _EPSILON.
_FAR = 10.0


class GaussianLoss(DarknetLoss):
    """Darknet's loss, and in the box part the uncertainty; see `GaussianLossConfig`."""

    CODECS: ClassVar = ("gaussian",)

    def _box_error(self, truth, predicted, raw, grid):
        """[B, n], weighted; raw is [B, n, 8], tx, ty, tw, th each with its deviation's logit."""
        config, means, logits = self.config, raw[..., ::2], raw[..., 1::2]
        darknet = config.gradient == "darknet"
        off = differences(truth, predicted, means[..., :2], grid, darknet)
        deviations, fixed = tf.sigmoid(logits), tf.identity
        if darknet:
            # The gradient at the deviation reaches its logit without the logistic's derivative.
            deviations = logits + tf.stop_gradient(deviations - logits)
            deviations = clip_gradient(deviations, config.max_delta)
            off = clip_gradient(off, config.max_delta)
            fixed = tf.stop_gradient
        weight = small_box_weight(truth)
        if config.iou_type == "mse":
            error = config.box_normalizer * weight * minus_log_likelihood(off, fixed(deviations))
        else:
            error = super()._box_error(truth, predicted, means, grid)
        uncertainty = minus_log_likelihood(fixed(off), deviations)
        return error + config.uncertainty_normalizer * weight * uncertainty


def minus_log_likelihood(off: tf.Tensor, deviations: tf.Tensor) -> tf.Tensor:
    """Half of -log(density + 1e-9), summed over the last axis, of normal distributions.

    Args:
      off: [..., K] distances from the means.
      deviations: [..., K] above 0.

    Returns:
      [...]; finite, with finite gradients.
    """
    deviations = tf.maximum(deviations, _LEAST)
    distance = tf.minimum(tf.abs(off) / deviations, _FAR)
    height = tf.math.log(math.sqrt(2 * math.pi) * (deviations + _MARGIN))
    log_density = -(distance**2) / 2 - height
    # log(density + epsilon) without a density that underflows.
    log_epsilon = math.log(_EPSILON)
    log_likelihood = log_epsilon + tf.math.softplus(log_density - log_epsilon)
    return -tf.reduce_sum(log_likelihood, axis=-1) / 2
