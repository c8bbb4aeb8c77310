"""Random crop, zoom and shift: which part of the photo becomes the network input (SPEC 8.1)."""

import math

import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.draw import uniform
from yolo_tf.ops.resize import PAD_VALUE, resize

_GREY = round(255 * PAD_VALUE)


def crop_rectangle(
    sides: tf.Tensor, draws: dict, config: AugmentConfig, size, letterbox: bool = False, zoom=1.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """A random part of the photo, or the photo with a margin.

    Each side of the crop moves in or out by up to `jitter` of the photo's width or height, then
    all sides by one factor between 1/resize and resize. With `letterbox` the shorter side is first
    extended to the aspect of the input. So far as Darknet's `load_data_detection`. Then what is
    shown grows by the factor `zoom` and one of 1/scale .. scale, and moves by up to `translate` of
    the input.

    Args:
      sides: [2] int32 (height, width) of the photo, pixels.
      draws: the example, for its numbers.
      size: [2] (height, width) of the network input, pixels.
      zoom: scalar.

    Returns:
      start and extent, each [2] int32 (y, x), whole pixels of the photo. A crop touches at least
      one pixel; it starts below 0 and ends beyond the photo where it has a margin.
    """
    lengths = tf.cast(sides, tf.float32)
    *shifts, grow = uniform(draws, "crop")
    most = max(config.resize, 1.0 / config.resize)
    # One draw for all four sides: the crop measures 1 - 2 * inward, from `most` to 1 / most.
    inward = (1.0 - most) / 2 + (grow + 1.0) / 2 * ((1.0 - 1.0 / most) - (1.0 - most)) / 2
    extension = tf.zeros([2])
    if letterbox:
        height, width = tf.unstack(tf.cast(size, tf.float32))
        extended = tf.stack([lengths[1] * height / width, lengths[0] * width / height])
        extension = tf.maximum(extended - lengths, 0.0) / 2
    # top and left, then bottom and right; positive is inward.
    near, far = (
        (config.jitter * tf.stack(pair) + inward) * lengths - extension
        for pair in (shifts[:2], shifts[2:])
    )
    if config.scale != 1 or config.translate > 0 or config.mosaic > 0:
        near, far = _zoom_and_shift(near, far, lengths, draws, config, zoom)
    start = tf.minimum(tf.cast(near, tf.int32), sides - 1)
    end = sides - tf.minimum(tf.cast(far, tf.int32), sides - 1)
    return start, tf.maximum(end - start, 1)


def _zoom_and_shift(near, far, lengths, draws, config, zoom):
    _, scale, _, _, *shift, _, _ = uniform(draws, "affine")
    extent = lengths - near - far
    shown = extent / (zoom * tf.exp(scale * math.log(config.scale)))
    moved = config.translate * tf.stack(shift) * shown
    margin = (extent - shown) / 2
    return near + margin - moved, far + margin + moved


def draw_crop(
    photo_part: tf.Tensor, sides, start, extent, size, kind=tf.float32
) -> tuple[tf.Tensor, tf.Tensor]:
    """The crop as a network input; what lies outside of the photo is grey.

    Args:
      photo_part: [h, w, 3] uint8, the part of the photo that `visible_part` gives.
      sides, start, extent: of `crop_rectangle`.
      size: [2] int32 (height, width) of the network input, pixels.
      kind: of the result, tf.float32 or tf.uint8 (rounded).

    Returns:
      [height, width, 3] of that kind, 0..255, and the place [4] of the whole photo in it, yxyx
      normalised, which may reach beyond [0, 1].
    """
    low, high = visible_part(sides, start, extent)
    # Where this part lies in the input, in whole pixels: bars are drawn there, not scaled.
    share = tf.cast(size, tf.float32) / tf.cast(extent, tf.float32)
    first = tf.cast(tf.round(tf.cast(low - start, tf.float32) * share), tf.int32)
    last = tf.cast(tf.round(tf.cast(high - start, tf.float32) * share), tf.int32)
    first = tf.minimum(first, size - 1)
    inner = tf.maximum(last - first, 1)
    image = resize(photo_part, inner)
    if kind == tf.uint8:
        image = tf.cast(image + 0.5, tf.uint8)
    # As rows of 3 W numbers: padding three dimensions takes twice as long.
    channels = tf.constant([1, 3])
    pads = tf.stack([first, size - first - inner], axis=1) * channels[:, tf.newaxis]
    rows = tf.pad(tf.reshape(image, inner * channels), pads, constant_values=_GREY)
    image = tf.reshape(rows, tf.concat([size, [3]], 0))
    scale = tf.cast(inner, tf.float32) / tf.cast(high - low, tf.float32)
    corner = tf.cast(first, tf.float32) - tf.cast(low, tf.float32) * scale
    window = tf.concat([corner, corner + tf.cast(sides, tf.float32) * scale], axis=0)
    return image, window / tf.cast(tf.concat([size, size], 0), tf.float32)


def visible_part(sides, start, extent) -> tuple[tf.Tensor, tf.Tensor]:
    """First pixel and end, each [2] int32 (y, x), of what a crop shows of the photo."""
    return tf.maximum(start, 0), tf.minimum(start + extent, sides)
