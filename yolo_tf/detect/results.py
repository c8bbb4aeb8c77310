"""Images through a detector, a batch at a time: what it finds goes to output formats."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yolo_tf.detect.base import BaseDetector
from yolo_tf.detect.detections import Detections
from yolo_tf.detect.formats import DetectionFormat
from yolo_tf.detect.inputs import read_image
from yolo_tf.errors import UserError, unknown_name
from yolo_tf.progress import Bar

# Images [H, W, 3] uint8, each of any size -> what is found in each.
Find = Callable[[list[np.ndarray]], list[Detections]]


@dataclass
class DetectionCounts:
    """How many images or frames were searched, and how many objects were found."""

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
    detector: BaseDetector,
    score_threshold: float = 0.25,
    classes: list[str] | None = None,
    batch_size: int = 1,
) -> Find:
    """`Predictor.detect` with its settings."""

    def find(inputs):
        return detector.detect(inputs, score_threshold, classes, batch_size)

    return find


def find_in_batches(find, inputs: Iterable[tuple], batch_size: int) -> Iterator[tuple]:
    """(key, image) pairs -> (key, result) pairs, `batch_size` images at a time."""
    inputs = iter(inputs)
    while batch := list(itertools.islice(inputs, batch_size)):
        keys, images = zip(*batch, strict=True)
        yield from zip(keys, find(images), strict=True)


def detect_files(
    find, paths: list[Path], formats: Iterable[DetectionFormat], batch_size: int = 1
) -> tuple[DetectionCounts, list[str]]:
    """Looks for objects in images and hands what it finds to the formats.

    Args:
      find: see `results.make_finder`.
      paths: the images; the formats know them by their number.
      formats: made for these images.
      batch_size: images detected together; does not change what is found.

    Returns:
      The images that could be read, counted, and a line for each that could not.
    """
    counts, problems = DetectionCounts(), []

    def images(progress):
        for number, path in enumerate(progress):
            try:
                yield number, read_image(path)
            except UserError as error:
                problems.append(str(error))

    with Bar(paths, unit="image", disable=not paths) as progress:
        for number, result in find_in_batches(find, images(progress), batch_size):
            for one in formats:
                one.add(number, result)
            counts.add(result)
    for one in formats:
        one.finish()
    return counts, problems
