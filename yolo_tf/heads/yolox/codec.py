"""From raw outputs to boxes and back (algorithms.md 2.6).

Source: Z. Ge et al., "YOLOX: Exceeding YOLO Series in 2021", 2021, arXiv:2107.08430. Boxes here
are in pixels of the network input.
"""

import tensorflow as tf

from yolo_tf.heads.grid import Grid

# exp(10) is a box 22,000 times its cell: beyond any image, before any overflow.
_MAX_EXP = 10.0
_EPSILON = 1e-8


def decode(raw: tf.Tensor, grid: Grid) -> tf.Tensor:
    """[..., N, 4] raw (tx, ty, tw, th) -> boxes_cxcywh [..., N, 4], pixels (algorithms.md 2.6)."""
    centres = (raw[..., :2] + grid.offsets) * grid.strides
    sizes = tf.exp(tf.minimum(raw[..., 2:], _MAX_EXP)) * grid.strides
    return tf.concat([centres, sizes], axis=-1)


def encode(boxes_cxcywh: tf.Tensor, grid: Grid) -> tf.Tensor:
    """The raw values that `decode` would make these boxes [..., N, 4] of, pixels.

    See algorithms.md 2.7.
    """
    centres = boxes_cxcywh[..., :2] / grid.strides - grid.offsets
    sizes = tf.math.log(boxes_cxcywh[..., 2:] / grid.strides + _EPSILON)
    return tf.concat([centres, sizes], axis=-1)
