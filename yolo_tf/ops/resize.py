"""Image to network input and back, in Darknet's manner (AlexeyAB/darknet, src/image.c).

Both ways of bringing an image to the input size return the images and their placement: where the
image lies inside the network input, yxyx, normalised by the input size. The same functions run in
the training pipeline, in the evaluation and in the exported model. They take one image [H, W, 3]
or a batch [B, H, W, 3], H and W known or not.
"""

import tensorflow as tf

PAD_VALUE = 0.5  # grey of the letterbox's bars, image values being 0..1


def resize(images: tf.Tensor, size) -> tf.Tensor:
    """Bilinear resize with aligned corners: source x = x * (W - 1) / (w - 1), no antialiasing.

    Args:
      images: [H, W, C] or [B, H, W, C], any numeric type.
      size: (height, width) of the result, ints or an int32 tensor of two.

    Returns:
      float32, values in the range of the input.
    """
    single = images.shape.rank == 3
    batch = images[tf.newaxis] if single else images
    batch = tf.raw_ops.ResizeBilinear(images=batch, size=size, align_corners=True)
    return batch[0] if single else batch


def stretch(images: tf.Tensor, size: tuple[int, int]) -> tuple[tf.Tensor, tf.Tensor]:
    """The image fills the network input; its aspect is not kept.

    Args:
      images: [H, W, 3] or [B, H, W, 3], uint8 0..255 or float32 0..1.
      size: (height, width) of the network input, pixels.

    Returns:
      float32 images 0..1 of that size; their placement [4] or [B, 4], which is (0, 0, 1, 1).
    """
    placement = tf.constant([0.0, 0.0, 1.0, 1.0])
    return _unit_range(resize(images, size), images.dtype), _placement_of(images, placement)


def letterbox(images: tf.Tensor, size: tuple[int, int]) -> tuple[tf.Tensor, tf.Tensor]:
    """The image keeps its aspect, centred between grey bars (algorithms.md 8.1).

    The longer side fills the input, the other is rounded down to whole pixels, at least 1; the
    bar before the image is half the rest, rounded down. The placement is where the image really
    lies: with an odd rest Darknet moves the boxes half a pixel further than the image.

    Args and results are those of `stretch`, with a placement inside (0, 0, 1, 1).
    """
    height, width = size
    shape = tf.shape(images)[-3:-1]
    image_height, image_width = shape[0], shape[1]
    wide = width * image_height < height * image_width
    inner_height = tf.where(wide, tf.maximum(image_height * width // image_width, 1), height)
    inner_width = tf.where(wide, width, tf.maximum(image_width * height // image_height, 1))
    top, left = (height - inner_height) // 2, (width - inner_width) // 2

    inner = _unit_range(resize(images, tf.stack([inner_height, inner_width])), images.dtype)
    pads = [[top, height - inner_height - top], [left, width - inner_width - left], [0, 0]]
    if images.shape.rank == 4:
        pads = [[0, 0], *pads]
    padded = tf.pad(inner, pads, constant_values=PAD_VALUE)
    padded = tf.ensure_shape(padded, [*images.shape[:-3], height, width, images.shape[-1]])
    corners = tf.stack([top, left, top + inner_height, left + inner_width])
    placement = tf.cast(corners, tf.float32) / tf.constant([height, width] * 2, tf.float32)
    return padded, _placement_of(images, placement)


RESIZES = {"stretch": stretch, "letterbox": letterbox}  # by the name in DataConfig.resize


def boxes_to_input(boxes: tf.Tensor, placement: tf.Tensor) -> tf.Tensor:
    """Boxes of the image as boxes of the network input. All-zero (padding) rows stay zero.

    Args:
      boxes: [..., N, 4] yxyx normalised by the image.
      placement: [..., 4] yxyx normalised by the network input.

    Returns:
      [..., N, 4] yxyx normalised by the network input, not clipped.
    """
    offset, scale = _offset_and_scale(placement)
    return tf.where(_is_padding(boxes), 0.0, boxes * scale + offset)


def boxes_to_image(boxes: tf.Tensor, placement: tf.Tensor) -> tf.Tensor:
    """The inverse of `boxes_to_input`: boxes of the network input as boxes of the image.

    Boxes that reach into the bars come out beyond [0, 1]: nothing is clipped. All-zero (padding)
    rows stay zero.
    """
    offset, scale = _offset_and_scale(placement)
    return tf.where(_is_padding(boxes), 0.0, (boxes - offset) / scale)


def _offset_and_scale(placement):
    low, high = placement[..., tf.newaxis, :2], placement[..., tf.newaxis, 2:]
    return tf.concat([low, low], axis=-1), tf.concat([high - low, high - low], axis=-1)


def _is_padding(boxes):
    return tf.reduce_all(boxes == 0.0, axis=-1, keepdims=True)


def _unit_range(resized, source_dtype):
    return resized * (1.0 / 255.0) if source_dtype == tf.uint8 else resized


def _placement_of(images, placement):
    if images.shape.rank == 3:
        return placement
    return tf.tile(placement[tf.newaxis], [tf.shape(images)[0], 1])
