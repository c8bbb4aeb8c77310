"""From raw outputs to boxes: the codecs of the YOLO family (SPEC 2)."""

import tensorflow as tf

# exp(10) is a box 22,000 times its anchor: beyond any picture, before any overflow.
_MAX_EXP = 10.0


def cell_offsets(rows: int, cols: int) -> tf.Tensor:
    """(col, row) of each cell: [rows, cols, 1, 2] float32."""
    y, x = tf.meshgrid(tf.range(rows), tf.range(cols), indexing="ij")
    return tf.cast(tf.stack([x, y], axis=-1)[:, :, None, :], tf.float32)


def decode_exp(raw: tf.Tensor, anchors: tf.Tensor, stride: int, scale_xy: float) -> tf.Tensor:
    """Boxes of YOLOv2 to YOLOv4: logistic centre in its cell, exponential size (E2.1 to E2.3).

    Args:
      raw: [..., rows, cols, A, 4] (tx, ty, tw, th).
      anchors: [A, 2] (width, height) in pixels of the network input.
      stride: pixels per cell.
      scale_xy: how far a centre may leave its cell; 1 not at all, 2 half a cell.

    Returns:
      boxes_cxcywh [..., rows, cols, A, 4], normalised to the network input.
    """
    rows, cols = tf.shape(raw)[-4], tf.shape(raw)[-3]
    grid = tf.cast(tf.stack([cols, rows]), raw.dtype)
    offsets = tf.cast(cell_offsets(rows, cols), raw.dtype)
    centres = (tf.sigmoid(raw[..., :2]) * scale_xy - (scale_xy - 1) / 2 + offsets) / grid
    sizes = tf.exp(tf.minimum(raw[..., 2:], _MAX_EXP)) * anchors / (grid * stride)
    return tf.concat([centres, sizes], axis=-1)


def decode_exp_darknet_gradient(
    raw: tf.Tensor, anchors: tf.Tensor, stride: int, scale_xy: float, max_delta: float
) -> tf.Tensor:
    """`decode_exp` with the box gradient of Darknet's C code (E2.5).

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


# name -> (decode, decode with Darknet's gradient)
CODECS = {"exp": (decode_exp, decode_exp_darknet_gradient)}
