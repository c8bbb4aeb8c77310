"""Encoded images to pixels in the graph, with their size bounded before anything is decoded.

The image of an example is encoded under "encoded", or decoded under "image" (of a cache).
"""

import tensorflow as tf

from yolo_tf.data.checks import MAX_PIXELS, MAX_SIDE
from yolo_tf.open_image import MAX_SCANS, SCAN

_EXPECTED = f"expected a JPEG or PNG image of at most {MAX_SIDE} pixels a side, {MAX_PIXELS} in all"
# Of a small image any number of scans is decoded soon. Random bytes, as of a video behind an image,
# hold what looks like a scan each 64 kB.
_MANY_PIXELS, _BYTES_A_SCAN = 1_000_000, 1 << 15
_FEWER_SCANS = f"expected at most {MAX_SCANS} scans in a JPEG image"


# The inverse cosine transform of Pillow and OpenCV: the same pixels wherever an image is read.
# TensorFlow's own choice is coarser, up to 22 grey levels off on images of COCO.
DCT = "INTEGER_ACCURATE"


def decode_image(encoded: tf.Tensor) -> tf.Tensor:
    """A JPEG or PNG as [H, W, 3] uint8 RGB, as it lies in the file: EXIF turns nothing.

    Raises:
      tf.errors.InvalidArgumentError: another format, damaged, or too large to decode safely.
    """
    encoded, _ = safe_image(encoded)
    image = tf.io.decode_jpeg(encoded, channels=3, dct_method=DCT)  # decodes PNGs too
    return tf.ensure_shape(image, [None, None, 3])


def decode_part(encoded: tf.Tensor, start: tf.Tensor, extent: tf.Tensor) -> tf.Tensor:
    """A part of what `decode_image` gives, for less: of a JPEG no other rows are decoded.

    Args:
      encoded: a JPEG or PNG that `safe_image` has passed.
      start, extent: [2] int32 (y, x), pixels; inside the image.

    Returns:
      [extent[0], extent[1], 3] uint8.
    """

    def part_of_jpeg():
        window = tf.concat([start, extent], 0)
        return tf.io.decode_and_crop_jpeg(encoded, window, channels=3, dct_method=DCT)

    def part_of_png():
        image = tf.io.decode_png(encoded, channels=3)
        return tf.slice(image, tf.concat([start, [0]], 0), tf.concat([extent, [3]], 0))

    part = tf.cond(_is_jpeg(encoded), part_of_jpeg, part_of_png)
    return tf.ensure_shape(part, [None, None, 3])


def safe_image(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The same image, and its size [2] int32 (height, width), if it can be decoded safely.

    Raises:
      tf.errors.InvalidArgumentError: another format, too large, or of too many scans.
    """
    size = tf.ensure_shape(image_size(encoded), [2])
    area = tf.reduce_prod(tf.clip_by_value(size, 0, MAX_SIDE))
    fits = tf.reduce_all((size > 0) & (size <= MAX_SIDE)) & (area <= MAX_PIXELS)
    check = tf.debugging.assert_equal(fits, True, _EXPECTED)  # None when run eagerly
    # Decoding is no stateful operation: without this it would not wait for the check.
    with tf.control_dependencies([] if check is None else [check]):
        few = tf.cond(area > _MANY_PIXELS, lambda: _few_scans(encoded), lambda: tf.constant(True))
    check = tf.debugging.assert_equal(few, True, _FEWER_SCANS)
    with tf.control_dependencies([] if check is None else [check]):
        return tf.identity(encoded), size


def _few_scans(encoded):
    parts = tf.raw_ops.StringSplitV2(input=tf.reshape(encoded, [1]), sep=SCAN).values
    return tf.size(parts) - 1 <= MAX_SCANS + tf.strings.length(encoded) // _BYTES_A_SCAN


def image_size(encoded: tf.Tensor) -> tf.Tensor:
    """[2] int32 (height, width) from the header; (-1, -1) for what is neither JPEG nor PNG."""
    unknown = tf.constant([-1, -1])

    def if_png():
        is_png = tf.strings.substr(encoded, 0, 8) == b"\x89PNG\r\n\x1a\n"
        is_png &= tf.strings.length(encoded) >= 24
        return tf.cond(is_png, lambda: _png_size(encoded), lambda: unknown)

    return tf.cond(_is_jpeg(encoded), lambda: tf.io.extract_jpeg_shape(encoded)[:2], if_png)


def _png_size(encoded):
    # (width, height), the highest byte first; what needs more than 31 bits comes out negative.
    numbers = tf.io.decode_raw(tf.strings.substr(encoded, 16, 8), tf.int32, little_endian=False)
    return tf.reverse(numbers, [0])


def _is_jpeg(encoded):
    return tf.strings.substr(encoded, 0, 3) == b"\xff\xd8\xff"


def decoded(example: dict) -> dict:
    """The example with its image decoded, [h, w, 3] uint8."""
    if "decoded" in example:
        return example
    rest = {name: value for name, value in example.items() if name != "encoded"}
    return {**rest, "decoded": decode_image(example["encoded"])}


def example_size(example: dict) -> tuple[dict, tf.Tensor]:
    """[2] int32 (height, width) of the image, not decoded for it; the example, safe to decode."""
    if "decoded" in example:
        return example, tf.shape(example["decoded"])[:2]
    encoded, size = safe_image(example["encoded"])
    return {**example, "encoded": encoded}, size


def example_part(example: dict, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """A part of the image, from `start` up to `end`, each [2] int32 (y, x), inside the image.

    Args:
      example: of `example_size`.
    """
    if "decoded" in example:
        return example["decoded"][start[0] : end[0], start[1] : end[1]]
    return decode_part(example["encoded"], start, end - start)
