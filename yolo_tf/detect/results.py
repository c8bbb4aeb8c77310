"""Photos through a detector, some at a time, and what it found in each."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from yolo_tf.config_io import unknown_name
from yolo_tf.detections import Detections
from yolo_tf.errors import UserError


@dataclass
class Counts:
    """How many pictures or frames were looked at, and objects found in them."""

    images: int = 0
    objects: int = 0

    def add(self, result: Detections) -> None:
        self.images += 1
        self.objects += len(result.classes)


@dataclass(frozen=True)
class Wanted:
    """Which detections count: of a score, and of some classes (None: of all)."""

    score: float = 0.25
    classes: frozenset[int] | None = None

    def __call__(self, found: Detections) -> np.ndarray:
        """[N] bool."""
        kept = found.scores >= self.score
        return kept if self.classes is None else kept & np.isin(found.classes, list(self.classes))


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


def make_finder(detector, wanted: Wanted) -> Callable[[list[np.ndarray]], list[Detections]]:
    """Function: photos [H, W, 3] uint8, each of any size -> what is wanted in each."""
    find_all = detector.finder(wanted.score)
    return lambda photos: [found[wanted(found)] for found in find_all(photos)]


def find_in_batches(find, photos: Iterable[tuple], batch_size: int) -> Iterator[tuple]:
    """(key, photo) pairs -> (key, result) pairs, `batch_size` photos at a time."""
    photos = iter(photos)
    while batch := list(itertools.islice(photos, batch_size)):
        keys, images = zip(*batch, strict=True)
        yield from zip(keys, find(images), strict=True)
