"""Images through a detector, some at a time, and what it found in each."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from yolo_tf.detect.detections import Detections
from yolo_tf.detect.predictor import PhotoDetector
from yolo_tf.errors import UserError, unknown_name

# Images [H, W, 3] uint8, each of any size -> what is found in each.
Find = Callable[[list[np.ndarray]], list[Detections]]


@dataclass
class DetectionCounts:
    """How many images or frames were looked at, and objects found in them."""

    images: int = 0
    objects: int = 0

    def add(self, found: Detections) -> None:
        self.images += 1
        self.objects += len(found)


def wanted_classes(text: str, class_names: list[str]) -> list[str] | None:
    """The class names in "a,b"; None for an empty text.

    Raises:
      UserError: a name is no class.
    """
    if not text:
        return None
    # A class may itself have a comma in its name.
    names = [text] if text in class_names else [name.strip() for name in text.split(",")]
    for name in names:
        if name not in class_names:
            raise UserError(f"--classes: {unknown_name(name, class_names)}")
    return names


def make_finder(
    detector: PhotoDetector,
    score_threshold: float = 0.25,
    classes: list[str] | None = None,
    batch_size: int = 1,
) -> Find:
    """`PhotoDetector.detect` with its settings."""

    def find(inputs):
        return detector.detect(inputs, score_threshold, classes, batch_size)

    return find


def find_in_batches(find, inputs: Iterable[tuple], batch_size: int) -> Iterator[tuple]:
    """(key, image) pairs -> (key, result) pairs, `batch_size` images at a time."""
    inputs = iter(inputs)
    while batch := list(itertools.islice(inputs, batch_size)):
        keys, images = zip(*batch, strict=True)
        yield from zip(keys, find(images), strict=True)
