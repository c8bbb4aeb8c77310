"""A small detector with weights that find something, and images for it."""

import numpy as np
import tensorflow as tf
import tf_keras

from tests.small import small_config
from yolo_tf.detector.build import build_detector
from yolo_tf.export.trained import Trained

NAMES = ["red cell", "größe", "a\u00a0b"]
KEYS = {"detection_boxes", "detection_scores", "detection_classes", "num_detections"}


def make(resize="letterbox", seed=113, kind="greedy", head=None, **settings) -> Trained:
    """A "micro" network; the zoo must know it (`tests.small.add_micro`)."""
    config = small_config(input_size=(64, 96))
    config.model.name, config.data.resize = "micro", resize
    config.head = head or config.head
    config.nms.score_threshold, config.nms.max_detections, config.nms.kind = 0.01, 10, kind
    tf_keras.utils.set_random_seed(seed)
    detector = build_detector(config, NAMES)
    random = np.random.default_rng(seed)
    # Weights that give boxes of many sizes, and (seed 113) scores more than rounding apart.
    weights = [
        w + random.normal(0, 0.1, w.shape).astype(np.float32) for w in detector.get_weights()
    ]
    detector.set_weights([np.abs(w) if w.ndim == 1 else w for w in weights])
    # Cells of a letterbox's grey all have one score: which of them comes first is chance.
    grey = detector.detect_inputs(tf.fill([1, 64, 96, 3], 0.5))["detection_scores"]
    config.nms.score_threshold = float(tf.reduce_max(grey)) + 1e-3
    return Trained(detector, config, "cells", **settings)


def photos(batch, height, width, seed=1):
    """Reddish rectangles on noise."""
    images = np.random.default_rng(seed).integers(0, 256, (batch, height, width, 3), np.uint8)
    corner = images[:, : height // 2, : width // 3]
    corner[:] = corner // 8 + np.array((220, 10, 60), np.uint8)
    return images


def detect(detector, images) -> dict:
    """`detect_images` as arrays."""
    found = detector.detect_images(tf.constant(images))
    return {name: np.asarray(value) for name, value in found.items()}


def assert_same(found, expected, atol=1e-4):
    assert set(found) == set(expected) == KEYS
    for name in KEYS:
        np.testing.assert_allclose(np.asarray(found[name]), expected[name], atol=atol, err_msg=name)
