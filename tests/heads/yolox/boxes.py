"""Random truths and outputs for the tests of the YOLOX head."""

import numpy as np
import tensorflow as tf

SIZE = (64, 96)
STRIDES = (8, 16, 32)


def random_truths(counts, limit, classes=3, seed=1, size=SIZE):
    """`counts` boxes an image, spread over `limit` rows: boxes yxyx normalised, classes."""
    random = np.random.default_rng(seed)
    boxes = np.zeros([len(counts), limit, 4], np.float32)
    labels = np.full([len(counts), limit], -1, np.int32)
    for image, count in enumerate(counts):
        low = random.uniform(0, 0.7, [count, 2])
        boxes[image, :count] = np.concatenate([low, low + random.uniform(0.05, 0.4, [count, 2])], 1)
        labels[image, :count] = random.integers(0, classes, count)
    return boxes, labels


def random_outputs(batch, classes=3, seed=0, size=SIZE, strides=STRIDES):
    random = np.random.default_rng(seed)
    return {
        s: tf.constant(
            random.normal(size=[batch, size[0] // s, size[1] // s, 5 + classes]), "float32"
        )
        for s in strides
    }
