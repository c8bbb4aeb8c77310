"""Boxes and scores to suppress, and a plain IoU, for the tests of NMS."""

import numpy as np


def random_candidates(seed, batch, count, classes, crowd=0.3):
    """Boxes that overlap a lot, a few beyond [0, 1]; all scores differ."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-0.1, crowd, [batch, count, 2])
    size = rng.uniform(0.05, 0.4, [batch, count, 2])
    boxes = np.concatenate([corner, corner + size], axis=-1).astype(np.float32)
    scores = rng.permutation(batch * count * classes) / (batch * count * classes)
    return boxes, scores.reshape(batch, count, classes).astype(np.float32)


def iou(a, b):
    """IoU of two boxes [4] yxyx."""
    height = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    width = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return height * width / (area - height * width)
