"""Photos through a detector, some at a time, and what it found in each."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from yolo_tf.config_io import unknown_name
from yolo_tf.errors import UserError
from yolo_tf.ops import resize


@dataclass(frozen=True)
class Result:
    """Detections in one photo, by falling score.

    Attributes:
      photo: [H, W, 3] uint8 RGB.
      boxes: [N, 4] yxyx, 0 to 1 of the photo.
      scores: [N] 0 to 1.
      classes: [N] int, from 0.
    """

    photo: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray

    def pixels(self) -> np.ndarray:
        """[N, 4] float yxyx in pixels of the photo."""
        return self.boxes.astype(float) * (self.photo.shape[:2] * 2)


@dataclass
class Counts:
    """How many pictures or frames were looked at, and objects found in them."""

    images: int = 0
    objects: int = 0

    def add(self, result: Result) -> None:
        self.images += 1
        self.objects += len(result.classes)


@dataclass(frozen=True)
class Wanted:
    """Which detections count: of a score, and of some classes (None: of all)."""

    score: float = 0.25
    classes: frozenset[int] | None = None

    def __call__(self, scores: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """[N] bool; the rows of class -1 (padding) never count."""
        kept = (scores >= self.score) & (classes >= 0)
        return kept if self.classes is None else kept & np.isin(classes, list(self.classes))


def class_numbers(names: str, class_names: list[str]) -> frozenset[int] | None:
    """Numbers of the classes in "a,b"; None for an empty text.

    Raises:
      UserError: a name is no class.
    """
    if not names:
        return None
    # A class may itself have a comma in its name.
    wanted = [names] if names in class_names else [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in class_names:
            raise UserError(f"--classes: {unknown_name(name, class_names)}")
    return frozenset(class_names.index(name) for name in wanted)


def make_finder(detector, wanted: Wanted) -> Callable[[list[np.ndarray]], list[Result]]:
    """Function: photos [H, W, 3] uint8, each of any size -> a result each.

    They are resized one by one and detected together, so that the batch does not change what
    is found.
    """
    size = tuple(detector.input_size)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)])
    def to_input(photo):
        return resize.RESIZES[detector.resize_method](photo, size)

    images_spec, windows_spec = tf.TensorSpec([None, *size, 3]), tf.TensorSpec([None, 4])

    @tf.function(input_signature=[images_spec, windows_spec])
    def detect(images, windows):
        return detector.to_photos(detector.detect_inputs(images), windows)

    def find(photos):
        images, windows = zip(*map(to_input, photos), strict=True)
        found = detect(tf.stack(images), tf.stack(windows))
        columns = [found[f"detection_{name}"].numpy() for name in ("boxes", "scores", "classes")]
        results = []
        for photo, boxes, scores, classes in zip(photos, *columns, strict=True):
            kept = wanted(scores, classes)
            results.append(Result(photo, boxes[kept], scores[kept], classes[kept]))
        return results

    return find


def find_in_batches(find, photos: Iterable[tuple], batch_size: int) -> Iterator[tuple]:
    """(key, photo) pairs -> (key, result) pairs, `batch_size` photos at a time."""
    photos = iter(photos)
    while batch := list(itertools.islice(photos, batch_size)):
        keys, images = zip(*batch, strict=True)
        yield from zip(keys, find(images), strict=True)


def as_dict(result: Result, class_names: list[str]) -> dict:
    """A result as JSON has it."""
    return {
        "height": result.photo.shape[0],
        "width": result.photo.shape[1],
        "num_detections": len(result.classes),
        "detection_boxes": np.round(result.boxes.astype(float), 6).tolist(),
        "detection_scores": np.round(result.scores.astype(float), 6).tolist(),
        "detection_classes": result.classes.tolist(),
        "detection_class_names": [class_names[c] for c in result.classes],
    }
