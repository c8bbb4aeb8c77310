"""A detector that finds the same two objects, and padding, in whatever image."""

import numpy as np
import tensorflow as tf
from PIL import Image

from yolo_tf.detect.base import BaseDetector

NAMES = ["cat", "dog"]
BOXES = [[0.1, 0.2, 0.5, 0.6], [0, 0, 1, 1], [0, 0, 0, 0]]


class Fixed(BaseDetector):
    def detect_inputs(self, images):
        def row(values):
            repeats = [tf.shape(images)[0]] + [1] * np.ndim(values)
            return tf.tile(tf.constant(values)[tf.newaxis], repeats)

        return {
            "detection_boxes": row(BOXES),
            "detection_scores": row([0.9, 0.3, 0.0]),
            "detection_classes": row([1, 0, -1]),
            "num_detections": row(2),
        }


DETECTOR = Fixed(NAMES, (32, 32))


def picture(path, height=30, width=40):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (90, 120, 150)).save(path)
    return path
