"""Random erasing: a grey rectangle hides a part of the picture (Zhong et al., arXiv 1708.04896)."""

import math

import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.boxes import box_area, keep_rows
from yolo_tf.data.augment.draw import uniform
from yolo_tf.ops.resize import PAD_VALUE

_LEAST_AREA = 0.02  # share of the picture
_MOST_ASPECT = 10 / 3  # of the rectangle; both numbers are the paper's


def erase(batch: dict, config: AugmentConfig) -> dict:
    """Chooses rectangles, with the probability `erase`, of up to the share `erase_area`.

    A box stays as it is, or goes, and counts as cut, where less than the share `min_area` of it
    is left to see.

    Returns:
      The batch with "erased" [B, 4] yxyx normalised, for `erase_images`; all zero: nothing.
    """
    chance, area, aspect, *corner = uniform(batch, "erase", 0.0, 1.0)
    area = _LEAST_AREA + area * max(config.erase_area - _LEAST_AREA, 0.0)
    aspect = tf.exp((2.0 * aspect - 1.0) * math.log(_MOST_ASPECT))
    sides = tf.stack([tf.sqrt(area * aspect), tf.sqrt(area / aspect)], axis=-1)
    sides = tf.minimum(sides, 1.0)
    low = tf.stack(corner, axis=-1) * (1.0 - sides)
    chosen = chance < config.erase
    erased = tf.where(chosen[:, tf.newaxis], tf.concat([low, low + sides], axis=-1), 0.0)
    boxes, hidden = batch["boxes"], erased[:, tf.newaxis]
    hidden = tf.concat(
        [tf.maximum(boxes[..., :2], hidden[..., :2]), tf.minimum(boxes[..., 2:], hidden[..., 2:])],
        axis=-1,
    )
    left = box_area(boxes) - box_area(hidden)
    keep = left >= config.min_area * box_area(boxes)
    return keep_rows({**batch, "erased": erased}, keep, boxes.shape[1])


def erase_images(images: tf.Tensor, erased: tf.Tensor) -> tf.Tensor:
    """Pictures [B, H, W, C] in 0..1 with the rectangles in grey."""
    height, width = images.shape[1:3]
    rows = (tf.range(height, dtype=tf.float32) + 0.5) / height
    columns = (tf.range(width, dtype=tf.float32) + 0.5) / width
    top, left, bottom, right = tf.unstack(erased[:, tf.newaxis], axis=-1)
    hit_y, hit_x = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    hit = hit_y[:, :, tf.newaxis] & hit_x[:, tf.newaxis]
    return tf.where(hit[..., tf.newaxis], PAD_VALUE, images)
