"""The photo of an example: encoded under "encoded", or decoded under "photo" (of a cache)."""

import tensorflow as tf

from yolo_tf.data.decode import decode_image, decode_part, safe_image


def decoded(example: dict) -> dict:
    """The example with its photo decoded, [h, w, 3] uint8."""
    if "photo" in example:
        return example
    rest = {name: value for name, value in example.items() if name != "encoded"}
    return {**rest, "photo": decode_image(example["encoded"])}


def photo_size(example: dict) -> tuple[dict, tf.Tensor]:
    """[2] int32 (height, width) of the photo, not decoded for it; the example, safe to decode."""
    if "photo" in example:
        return example, tf.shape(example["photo"])[:2]
    encoded, size = safe_image(example["encoded"])
    return {**example, "encoded": encoded}, size


def photo_part(example: dict, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """A part of the photo, from `start` up to `end`, each [2] int32 (y, x), inside the photo.

    Args:
      example: of `photo_size`.
    """
    if "photo" in example:
        return example["photo"][start[0] : end[0], start[1] : end[1]]
    return decode_part(example["encoded"], start, end - start)
