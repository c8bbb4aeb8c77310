"""Random changes of place: mirror, crop and zoom. Boxes follow the photo (SPEC 8.1).

Each function takes and returns an example: a dict with "image" [h, w, 3], "boxes" [N, 4] yxyx
normalised, further [N] arrays under the names BOX_FIELDS, and "seed" [2] int32.
"""

import tensorflow as tf

from yolo_tf.data.augment.draw import uniform
from yolo_tf.ops.resize import PAD_VALUE, resize, window_to_input

BOX_FIELDS = ("classes", "difficult", "crowd", "area")  # what belongs to each box, beside it
_FLIP, _CROP = 1, 2  # streams of random numbers


def flip(example: dict, left_right: float = 0.5, top_bottom: float = 0.0) -> dict:
    """Mirrors the image, each way with its probability."""
    image, boxes = example["image"], example["boxes"]
    horizontal, vertical = uniform(example, _FLIP, 2, 0.0, 1.0)
    if left_right > 0:
        image, boxes = tf.cond(
            horizontal < left_right,
            lambda i=image, b=boxes: (tf.reverse(i, [1]), _mirror(b, [0, 3, 2, 1], [0, 1, 0, 1])),
            lambda i=image, b=boxes: (i, b),
        )
    if top_bottom > 0:
        image, boxes = tf.cond(
            vertical < top_bottom,
            lambda i=image, b=boxes: (tf.reverse(i, [0]), _mirror(b, [2, 1, 0, 3], [1, 0, 1, 0])),
            lambda i=image, b=boxes: (i, b),
        )
    return {**example, "image": image, "boxes": boxes}


def _mirror(boxes, order, mirrored):
    """Swaps the corners as `order` says; coordinates marked 1 in `mirrored` become 1 - x."""
    mirrored = tf.constant(mirrored, tf.float32)
    return mirrored + tf.gather(boxes, order, axis=1) * (1.0 - 2.0 * mirrored)


def crop_jitter(
    example: dict,
    size: tuple[int, int],
    *,
    jitter: float = 0.3,
    zoom: float = 1.0,
    letterbox: bool = False,
    min_area: float = 0.1,
    min_size: float = 2.0,
) -> dict:
    """A random part of the photo, or the photo with a margin, becomes the network input.

    Each side of the crop moves in or out by up to `jitter` of the photo's width or height, then
    all sides by one factor between 1/zoom and zoom. With `letterbox` the shorter side is first
    extended to the aspect of the input. What lies outside the photo is grey. As Darknet's
    `load_data_detection`, with grey for the photo's mean colour, and with one visible rule
    (`keep_visible`) for the boxes in place of that of their centre.

    Args:
      example: with a uint8 "image" of any size.
      size: (height, width) of the network input, pixels.

    Returns:
      The example with "image" float32 0..1 of that size; "boxes" in the network input; "window",
      the place [4] of the whole photo in it, which may reach beyond [0, 1]; "cut" [] int32, the
      number of boxes left out.
    """
    top, left, height, width = _crop_rectangle(example, size, jitter, zoom, letterbox)
    photo = example["image"]
    photo_height, photo_width = tf.shape(photo)[0], tf.shape(photo)[1]
    bottom, right = top + height, left + width
    inside = photo[tf.maximum(top, 0) : bottom, tf.maximum(left, 0) : right]
    pads = [
        [tf.maximum(-top, 0), tf.maximum(bottom - photo_height, 0)],
        [tf.maximum(-left, 0), tf.maximum(right - photo_width, 0)],
        [0, 0],
    ]
    grey = tf.cast(round(255 * PAD_VALUE), photo.dtype)
    image = resize(tf.pad(inside, pads, constant_values=grey), size) * (1.0 / 255.0)

    corners = tf.stack([-top, -left, photo_height - top, photo_width - left])
    window = tf.cast(corners, tf.float32) / tf.cast(tf.stack([height, width] * 2), tf.float32)
    example = {**example, "image": tf.ensure_shape(image, [*size, 3]), "window": window}
    return keep_visible(
        {**example, "boxes": window_to_input(example["boxes"], window)}, size, min_area, min_size
    )


def _crop_rectangle(example, size, jitter, zoom, letterbox):
    """(top, left, height, width), int32 pixels of the photo; touches at least one of its pixels."""
    shape = tf.shape(example["image"])
    sides = tf.cast(shape[:2], tf.float32)
    *shifts, scale = uniform(example, _CROP, 5)
    zoom = max(zoom, 1.0 / zoom)
    # One draw for all four sides: the crop measures 1 - 2 * inward, from `zoom` to 1 / zoom.
    inward = (1.0 - zoom) / 2 + (scale + 1.0) / 2 * ((1.0 - 1.0 / zoom) - (1.0 - zoom)) / 2
    extension = tf.zeros([2])
    if letterbox:
        aspect = size[1] / size[0]
        extended = tf.stack([sides[1] / aspect, sides[0] * aspect])
        extension = tf.maximum(extended - sides, 0.0) / 2
    # top and left, then bottom and right; positive is inward.
    margins = [
        tf.cast((jitter * tf.stack(pair) + inward) * sides - extension, tf.int32)
        for pair in (shifts[:2], shifts[2:])
    ]
    start = tf.minimum(margins[0], shape[:2] - 1)
    end = shape[:2] - tf.minimum(margins[1], shape[:2] - 1)
    extent = tf.maximum(end - start, 1)
    return start[0], start[1], extent[0], extent[1]


def keep_visible(example: dict, size: tuple[int, int], min_area: float, min_size: float) -> dict:
    """Clips boxes to the image and drops those of which too little is left.

    A box stays if it is at least `min_size` pixels high and wide after clipping and keeps at
    least the share `min_area` of its area. The number of boxes dropped is added to "cut".
    """
    boxes = example["boxes"]
    clipped = tf.clip_by_value(boxes, 0.0, 1.0)
    pixels = (clipped[:, 2:] - clipped[:, :2]) * tf.constant(size, tf.float32)
    visible = _area(clipped) >= min_area * _area(boxes)
    keep = visible & tf.reduce_all(pixels >= min_size, axis=1)
    kept = {name: tf.boolean_mask(example[name], keep) for name in BOX_FIELDS}
    cut = tf.reduce_sum(tf.cast(~keep, tf.int32)) + example.get("cut", 0)
    return {**example, **kept, "boxes": tf.boolean_mask(clipped, keep), "cut": cut}


def _area(boxes):
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
