"""Random crop, zoom, shift, rotation, shear, perspective and mirroring of one image.

Crop, zoom and shift choose the part of the image that becomes the network input, so they cost
nothing of their own. Rotation, shear and perspective are one matrix; mirrors act on finished
images.
"""

import math

import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.random import uniform
from yolo_tf.data.augment.warp import warp
from yolo_tf.ops.resize import PAD_VALUE, resize

_GREY = round(255 * PAD_VALUE)


def crop_rectangle(
    sides: tf.Tensor, draws: dict, config: AugmentConfig, size, letterbox: bool = False, zoom=1.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """A random part of the image, or the image with a margin.

    Each side of the crop moves in or out by up to `jitter` of the image's width or height, then
    all sides by one factor between 1/resize and resize. With `letterbox` the shorter side is first
    extended to the aspect of the input. So far as Darknet's `load_data_detection`. Then what is
    shown grows by the factor `zoom` and one of 1/scale .. scale, and moves by up to `translate` of
    the input.

    Args:
      sides: [2] int32 (height, width) of the image, pixels.
      draws: the example, for its numbers.
      size: [2] (height, width) of the network input, pixels.
      zoom: scalar.

    Returns:
      start and extent, each [2] int32 (y, x), whole pixels of the image. A crop touches at least
      one pixel; it starts below 0 and ends beyond the image where it has a margin.
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
    image_part: tf.Tensor, sides, start, extent, size, kind=tf.float32
) -> tuple[tf.Tensor, tf.Tensor]:
    """The crop as a network input; what lies outside of the image is grey.

    Args:
      image_part: [h, w, 3] uint8, the part of the image that `visible_part` gives.
      sides, start, extent: of `crop_rectangle`.
      size: [2] int32 (height, width) of the network input, pixels.
      kind: of the result, tf.float32 or tf.uint8 (rounded).

    Returns:
      [height, width, 3] of that kind, 0..255, and the place [4] of the whole image in it, yxyx
      normalised, which may reach beyond [0, 1].
    """
    low, high = visible_part(sides, start, extent)
    # Where this part lies in the input, in whole pixels: bars are drawn there, not scaled.
    share = tf.cast(size, tf.float32) / tf.cast(extent, tf.float32)
    first = tf.cast(tf.round(tf.cast(low - start, tf.float32) * share), tf.int32)
    last = tf.cast(tf.round(tf.cast(high - start, tf.float32) * share), tf.int32)
    first = tf.minimum(first, size - 1)
    inner = tf.maximum(last - first, 1)
    image = resize(image_part, inner)
    if kind == tf.uint8:
        image = tf.cast(image + 0.5, tf.uint8)
    # As rows of 3 W numbers: padding three dimensions takes twice as long.
    channels = tf.constant([1, 3])
    pads = tf.stack([first, size - first - inner], axis=1) * channels[:, tf.newaxis]
    rows = tf.pad(tf.reshape(image, inner * channels), pads, constant_values=_GREY)
    image = tf.reshape(rows, tf.concat([size, [3]], 0))
    scale = tf.cast(inner, tf.float32) / tf.cast(high - low, tf.float32)
    corner = tf.cast(first, tf.float32) - tf.cast(low, tf.float32) * scale
    placement = tf.concat([corner, corner + tf.cast(sides, tf.float32) * scale], axis=0)
    return image, placement / tf.cast(tf.concat([size, size], 0), tf.float32)


def visible_part(sides, start, extent) -> tuple[tf.Tensor, tf.Tensor]:
    """First pixel and end, each [2] int32 (y, x), of what a crop shows of the image."""
    return tf.maximum(start, 0), tf.minimum(start + extent, sides)


def is_turned(config: AugmentConfig) -> bool:
    """Whether the settings turn images at all."""
    return config.rotate > 0 or config.shear > 0 or config.perspective > 0


def turn(batch: dict, size: tuple[int, int], config: AugmentConfig) -> dict:
    """Turns images and boxes: each box becomes the upright one around its four corners.

    Images come out mirrored too, so that no pixel is moved twice; boxes and placement are not:
    `flip` does that.

    Args:
      batch: "image" [B, H, W, 3] uint8, its boxes, "placement" and "draws".
      size: (H, W).
    """
    matrix = turn_matrix(batch, size, config)
    place = {name: turn_boxes(batch[name], matrix) for name in ("boxes", "whole")}
    place["boxes"] = tf.clip_by_value(place["boxes"], 0.0, 1.0)
    place["placement"] = turn_boxes(batch["placement"][:, tf.newaxis], matrix)[:, 0]
    inverse = tf.linalg.inv(matrix) @ flip_matrix(is_mirrored(batch, config))
    return {**batch, **place, "image": warp(batch["image"], inverse, size)}


def turn_matrix(batch: dict, size: tuple[int, int], config: AugmentConfig) -> tf.Tensor:
    """From places in the image to places in the turned one.

    About its centre the image turns by up to +-`rotate` degrees, shears by up to +-`shear`
    degrees along each axis, and recedes along each axis by up to +-`perspective`: of two opposite
    edges one is drawn smaller by the factor 1 / (1 + perspective / 2), the other one larger by
    1 / (1 - perspective / 2).

    Returns:
      [B, 3, 3] for columns (y, x, 1) normalised by the network input.
    """
    angle, _, shear_y, shear_x, _, _, away_y, away_x = uniform(batch, "affine")
    angle = angle * math.radians(config.rotate)
    shear_y, shear_x = (tf.tan(s * math.radians(config.shear)) for s in (shear_y, shear_x))
    # Rotation times shear, of pixels; between normalised places lies the aspect of the input.
    cos, sin, aspect = tf.cos(angle), tf.sin(angle), size[1] / size[0]
    one, zero = tf.ones_like(angle), tf.zeros_like(angle)
    rows = [
        [cos + sin * shear_x, (cos * shear_y + sin) * aspect, zero],
        [(cos * shear_x - sin) / aspect, cos - sin * shear_y, zero],
        [config.perspective * away_y, config.perspective * away_x, one],
    ]
    linear = tf.stack([tf.stack(row, axis=-1) for row in rows], axis=-2)
    centre = tf.constant([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    return centre @ linear @ tf.linalg.inv(centre)


def turn_boxes(boxes: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """The smallest upright boxes around the four corners of turned boxes.

    Args:
      boxes: [B, N, 4] yxyx.
      matrix: [B, 3, 3] for columns (y, x, 1).

    Returns:
      [B, N, 4] yxyx, not clipped.
    """
    top, left, bottom, right = tf.unstack(boxes, axis=-1)
    corners = tf.stack([top, top, bottom, bottom], -1), tf.stack([left, right, left, right], -1)
    parts = tf.unstack(matrix[:, :, :, tf.newaxis, tf.newaxis], axis=1)
    y, x, depth = (row[:, 0] * corners[0] + row[:, 1] * corners[1] + row[:, 2] for row in parts)
    places = tf.stack([y / depth, x / depth])  # [2, B, N, 4]
    edges = tf.unstack(tf.reduce_min(places, axis=-1)) + tf.unstack(tf.reduce_max(places, axis=-1))
    return tf.stack(edges, axis=-1)


def flip(batch: dict, config: AugmentConfig) -> dict:
    """Mirrors the boxes and the placement, each way with its probability.

    Returns:
      The batch with "mirror" [B, 2] bool, along y and along x, for `flip_images`.
    """
    mirror = is_mirrored(batch, config)
    boxes = flip_boxes(batch["boxes"], mirror[:, tf.newaxis])
    boxes = tf.where(batch["classes"][..., tf.newaxis] >= 0, boxes, 0.0)
    placement = flip_boxes(batch["placement"], mirror)
    return {**batch, "boxes": boxes, "placement": placement, "mirror": mirror}


def is_mirrored(draws: dict, config: AugmentConfig) -> tf.Tensor:
    """[..., 2] bool, along y and along x, each with its probability."""
    horizontal, vertical = uniform(draws, "flip", 0.0, 1.0)
    return tf.stack([vertical < config.flip_vertical, horizontal < config.flip], axis=-1)


def flip_matrix(mirror: tf.Tensor) -> tf.Tensor:
    """[B, 3, 3] what `mirror` [B, 2] says for columns (y, x, 1) normalised; its own inverse."""
    sign = tf.where(mirror, -1.0, 1.0)
    shift = tf.cast(mirror, tf.float32)[..., tf.newaxis]
    rows = tf.concat([tf.linalg.diag(sign), shift], axis=-1)
    last = tf.tile(tf.constant([[[0.0, 0.0, 1.0]]]), [mirror.shape[0], 1, 1])
    return tf.concat([rows, last], axis=1)


def flip_boxes(boxes: tf.Tensor, mirror: tf.Tensor) -> tf.Tensor:
    """Boxes [..., 4], yxyx normalised, of images mirrored as `mirror` [..., 2] says."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return tf.concat(
        [tf.where(mirror, 1.0 - high, low), tf.where(mirror, 1.0 - low, high)], axis=-1
    )


def flip_images(images: tf.Tensor, mirror: tf.Tensor, config: AugmentConfig) -> tf.Tensor:
    """Images [B, H, W, C] mirrored as `mirror` [B, 2] says."""
    for axis, chance in enumerate((config.flip_vertical, config.flip)):
        if chance > 0:
            chosen = mirror[:, axis, tf.newaxis, tf.newaxis, tf.newaxis]
            images = tf.where(chosen, tf.reverse(images, [axis + 1]), images)
    return images
