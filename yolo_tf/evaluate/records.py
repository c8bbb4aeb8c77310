"""What the metrics compare: truths and detections of a whole set, as flat NumPy arrays."""

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Truths:
    """The N true boxes of a set of images."""

    image: np.ndarray  # [N] int, 0 .. images - 1
    label: np.ndarray  # [N] int, 0 .. classes - 1
    boxes: np.ndarray  # [N, 4] float, yxyx in pixels of the photo
    difficult: np.ndarray  # [N] bool
    crowd: np.ndarray  # [N] bool: the box holds a group of objects
    area: np.ndarray  # [N] float, square pixels of the object; 0 or less: that of the box

    def object_area(self) -> np.ndarray:
        """[N] float, square pixels, the box's where the object's is not known."""
        return np.where(self.area > 0, self.area, np.prod(self.boxes[:, 2:] - self.boxes[:, :2], 1))


@dataclass(frozen=True)
class Detections:
    """The M found boxes of a set of images, in any order."""

    image: np.ndarray  # [M] int, 0 .. images - 1
    label: np.ndarray  # [M] int, 0 .. classes - 1
    boxes: np.ndarray  # [M, 4] float, yxyx in pixels of the photo
    scores: np.ndarray  # [M] float


def join(parts):
    """One `Truths` or `Detections` from a non-empty list of them."""
    names = [field.name for field in fields(parts[0])]
    return type(parts[0])(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))
