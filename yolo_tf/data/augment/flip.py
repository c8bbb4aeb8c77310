"""Random mirrors of finished pictures."""

import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.draw import uniform


def flip(batch: dict, config: AugmentConfig) -> dict:
    """Mirrors the boxes and the window, each way with its probability.

    Returns:
      The batch with "mirror" [B, 2] bool, along y and along x, for `flip_images`.
    """
    mirror = is_mirrored(batch, config)
    boxes = flip_boxes(batch["boxes"], mirror[:, tf.newaxis])
    boxes = tf.where(batch["classes"][..., tf.newaxis] >= 0, boxes, 0.0)
    window = flip_boxes(batch["window"], mirror)
    return {**batch, "boxes": boxes, "window": window, "mirror": mirror}


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
    """Boxes [..., 4], yxyx normalised, of pictures mirrored as `mirror` [..., 2] says."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return tf.concat(
        [tf.where(mirror, 1.0 - high, low), tf.where(mirror, 1.0 - low, high)], axis=-1
    )


def flip_images(images: tf.Tensor, mirror: tf.Tensor, config: AugmentConfig) -> tf.Tensor:
    """Pictures [B, H, W, C] mirrored as `mirror` [B, 2] says."""
    for axis, chance in enumerate((config.flip_vertical, config.flip)):
        if chance > 0:
            chosen = mirror[:, axis, tf.newaxis, tf.newaxis, tf.newaxis]
            images = tf.where(chosen, tf.reverse(images, [axis + 1]), images)
    return images
