"""Draws turned images: bilinear interpolation under a projective change, compiled by XLA.

TensorFlow's ImageProjectiveTransformV3 takes four times as long. Pixels are packed, red + 256
green + 65536 blue, in int32: one load fetches three channels.
"""

import tensorflow as tf

from yolo_tf.ops.resize import PAD_VALUE

_GREY = round(255 * PAD_VALUE) * 0x010101
_LANES = 0x00FF00FF  # red and blue of a packed pixel; green is shifted into the place of red


def warp(images: tf.Tensor, inverse: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Draws images anew; what lies outside of the old ones is grey.

    Args:
      images: [B, H, W, 3] uint8.
      inverse: [B, 3, 3] from places in the new images to places in the old ones, as columns
        (y, x, 1) normalised.
      size: (H, W).

    Returns:
      [B, H, W] int32, packed: see `unpack`.
    """
    # Programs of their own: within one, XLA would repeat the (vectorised) search for the pixels
    # for each of the (scalar) loads.
    numbers = _compiled(_numbers)(inverse, size)
    weights = _compiled(_weights)(inverse, size)
    return _compiled(_draw)(images, numbers, weights, size)


def unpack(packed: tf.Tensor) -> tf.Tensor:
    """Packed pixels [B, H, W] -> [B, H, W, 3] float32 0..255."""
    planes = tf.stack([_bits(packed, 8 * i, 255) for i in range(3)])
    # Whole planes first: XLA computes them several times faster than channels side by side.
    return tf.transpose(tf.cast(planes, tf.float32), [1, 2, 3, 0])


def _compiled(function):
    return tf.function(function, jit_compile=True, autograph=False)


def _numbers(inverse, size):
    """[B, H, W] int32: of each new pixel the old one above and left of where it comes from."""
    y, x, _ = _places(inverse, size)
    row, column = (_before(p, side) for p, side in zip((y, x), size, strict=True))
    return tf.cast(row, tf.int32) * size[1] + tf.cast(column, tf.int32)


def _weights(inverse, size):
    """[B, H, W] int32: how far it lies beyond that pixel, 256 y + x in 1/128; -1 if outside."""
    y, x, inside = _places(inverse, size)
    part_y, part_x = (
        tf.cast((p - _before(p, side)) * 128.0 + 0.5, tf.int32)
        for p, side in zip((y, x), size, strict=True)
    )
    return tf.where(inside, part_y * 256 + part_x, -1)


def _places(inverse, size):
    """y and x [B, H, W] in the old image, pixels, of each new pixel; whether they are inside."""
    height, width = size
    rows = (tf.range(height, dtype=tf.float32)[:, tf.newaxis] + 0.5) / height
    columns = (tf.range(width, dtype=tf.float32)[tf.newaxis] + 0.5) / width
    m = inverse[:, :, :, tf.newaxis, tf.newaxis]
    y, x, depth = (m[:, i, 0] * rows + m[:, i, 1] * columns + m[:, i, 2] for i in range(3))
    y, x = y / depth * height - 0.5, x / depth * width - 0.5
    inside = (y >= -0.5) & (x >= -0.5) & (y <= height - 0.5) & (x <= width - 0.5) & (depth > 0)
    return tf.clip_by_value(y, 0.0, height - 1.0), tf.clip_by_value(x, 0.0, width - 1.0), inside


def _before(position, side):
    return tf.minimum(tf.floor(position), side - 2.0)


def _draw(images, numbers, weights, size):
    pixels = tf.cast(images, tf.int32)
    pixels = pixels[..., 0] + pixels[..., 1] * 256 + pixels[..., 2] * 65536
    pixels = tf.reshape(pixels, [images.shape[0], size[0] * size[1]])

    def draw(inputs):
        old, number, weight = inputs
        taps = [tf.gather(old, number + step) for step in (0, 1, size[1], size[1] + 1)]
        return _mix(taps, weight)

    # A loop over images: what one of them needs fits into the processor's cache.
    return tf.map_fn(draw, (pixels, numbers, weights), fn_output_signature=tf.int32)


def _mix(taps, weights):
    """Four packed pixels by `weights`, two channels at a time."""
    x, y = _bits(weights, 0, 255), _bits(weights, 8, 255)

    def two_channels(shift):
        left_top, right_top, left_low, right_low = (_bits(tap, shift, _LANES) for tap in taps)
        top = left_top * (128 - x) + right_top * x
        low = left_low * (128 - x) + right_low * x
        return _bits(top, 7, _LANES) * (128 - y) + _bits(low, 7, _LANES) * y

    red_blue, green = (_bits(two_channels(shift), 7, _LANES) for shift in (0, 8))
    return tf.where(weights < 0, _GREY, red_blue + 256 * green)


def _bits(values, shift, mask):
    return tf.bitwise.bitwise_and(tf.bitwise.right_shift(values, shift), mask)
