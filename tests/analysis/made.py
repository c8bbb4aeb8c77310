"""Facts and splits without files, for tests."""

import io

import numpy as np

from yolo_tf.analysis.readings import Facts
from yolo_tf.analysis.split import Split
from yolo_tf.data.fingerprints import COLS, ROWS, Fingerprint

NAMES = ["red", "green", "blue"]


def facts(name="a", boxes=(), classes=None, crowd=None, split="train", size=(100, 200), seed=None):
    """An image; `seed` makes its bytes and its looks, by default those of the name."""
    boxes = np.reshape(np.array(boxes, np.float32), (-1, 4))
    seed = sum(name.encode()) * 7 + len(name) if seed is None else seed
    grey = np.random.default_rng(seed).integers(0, 256, (ROWS, COLS)).astype(np.uint8)
    shown = Fingerprint(seed.to_bytes(16, "big"), *size, False, grey)
    return Facts(
        split,
        f"{split}.tfrecord: record {name}",
        name,
        b"encoded",
        shown,
        boxes,
        np.array([0] * len(boxes) if classes is None else classes, np.int32),
        np.array([False] * len(boxes) if crowd is None else crowd, bool),
        [f"{split}.tfrecord: record {name}, object {n + 1}" for n in range(len(boxes))],
    )


def filled(name, images, input_size=(100, 200)):
    """A split with such images."""
    split = Split(name, f"{name}-*", len(NAMES), io.StringIO())
    for image in images:
        sides = (image.boxes[:, 2:] - image.boxes[:, :2]) * np.array(input_size)
        split.add(image, sides[:, ::-1])
    return split


def first_findings(*splits):
    """What splits keep of their findings, by split and kind."""
    return [f for split in splits for found in split.findings.first.values() for f in found]
