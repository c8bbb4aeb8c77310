"""Small batches as the functions of augmentation take them."""

import numpy as np
import tensorflow as tf

from yolo_tf.data.augment import random


def batch(boxes, classes=None, size=(20, 30), seed=0, images=None):
    """A batch of random images.

    Args:
      boxes: [B, N, 4] yxyx; all-zero rows are padding unless `classes` [B, N] says otherwise.
    """
    boxes = np.array(boxes, np.float32)
    count, rows = boxes.shape[:2]
    if classes is None:
        classes = np.where(np.any(boxes != 0, axis=-1), np.arange(rows), -1)
    if images is None:
        images = np.random.default_rng(seed).integers(0, 256, (count, *size, 3), dtype=np.uint8)
    return {
        "image": tf.constant(images),
        "boxes": tf.constant(boxes),
        "whole": tf.constant(boxes),
        "classes": tf.constant(classes, tf.int32),
        "difficult": tf.zeros([count, rows], tf.bool),
        "crowd": tf.zeros([count, rows], tf.bool),
        "area": tf.cast(classes, tf.float32) + 10,
        "placement": tf.tile([[0.0, 0.0, 1.0, 1.0]], [count, 1]),
        "cut": tf.zeros([count], tf.int32),
        "dropped": tf.zeros([count], tf.int32),
        "draws": draws(count, seed),
    }


def draws(count, seed=0):
    return tf.stack([random.draw_numbers(tf.constant([seed, n])) for n in range(count)])
