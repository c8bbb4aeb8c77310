"""Boxes as offsets from priors and back (SPEC 2(d), E2.10 and E2.11).

Source: W. Liu et al. 2016, arXiv:1512.02325; the variances are those of the authors' code.
"""

import tensorflow as tf

# exp(10) is a box 22,000 times its prior: beyond any picture, before any overflow.
_MAX_EXP = 10.0
_LEAST_SIZE = 1e-9  # so that the logarithm of a padding box is a number


def encode_offsets(boxes: tf.Tensor, priors: tf.Tensor, variances) -> tf.Tensor:
    """Offsets of boxes from their priors.

    Args:
      boxes: [..., 4] cxcywh.
      priors: [..., 4] cxcywh in the same unit.
      variances: 4 numbers, the unit of x, y, width and height.

    Returns:
      [..., 4]: shift of the centre in prior sizes and logarithm of the growth, over the variances.
    """
    shift = (boxes[..., :2] - priors[..., :2]) / priors[..., 2:]
    growth = tf.math.log(tf.maximum(boxes[..., 2:], _LEAST_SIZE) / priors[..., 2:])
    return tf.concat([shift, growth], axis=-1) / tf.constant(variances, tf.float32)


def decode_offsets(offsets: tf.Tensor, priors: tf.Tensor, variances) -> tf.Tensor:
    """The inverse of `encode_offsets`: [..., 4] cxcywh in the unit of the priors."""
    scaled = offsets * tf.constant(variances, tf.float32)
    centre = scaled[..., :2] * priors[..., 2:] + priors[..., :2]
    size = tf.exp(tf.minimum(scaled[..., 2:], _MAX_EXP)) * priors[..., 2:]
    return tf.concat([centre, size], axis=-1)
