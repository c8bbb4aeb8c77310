"""Truths and detections of a whole set as flat arrays, and which belong together."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

_BLOCK = 100_000  # pairs that are compared at a time, some 200 bytes each


@dataclass(frozen=True)
class Truths:
    """The N true boxes of a set of images."""

    image: np.ndarray  # [N] int, 0 .. images - 1
    label: np.ndarray  # [N] int, 0 .. classes - 1
    boxes: np.ndarray  # [N, 4] float, yxyx in pixels of the image
    difficult: np.ndarray  # [N] bool
    crowd: np.ndarray  # [N] bool: the box holds a group of objects
    area: np.ndarray  # [N] float, square pixels of the object; 0 or less: that of the box

    def object_area(self) -> np.ndarray:
        """[N] float, square pixels, the box's where the object's is not known."""
        return np.where(self.area > 0, self.area, np.prod(self.boxes[:, 2:] - self.boxes[:, :2], 1))


@dataclass(frozen=True)
class DetectionArrays:
    """The M found boxes of a set of images, in any order."""

    image: np.ndarray  # [M] int, 0 .. images - 1
    label: np.ndarray  # [M] int, 0 .. classes - 1
    boxes: np.ndarray  # [M, 4] float, yxyx in pixels of the image
    scores: np.ndarray  # [M] float


def join(parts):
    """One `Truths` or `DetectionArrays` from a non-empty list of them."""
    names = [field.name for field in fields(parts[0])]
    return type(parts[0])(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


@dataclass(frozen=True)
class DetectionMatches:
    """What the detections of a set are worth by VOC's rule, D of them by falling score."""

    order: np.ndarray  # [D] int, their places in the set
    right: np.ndarray  # [D] bool, the first one on a truth of its class
    counts: np.ndarray  # [D] bool, false where the truth is to be ignored: neither right nor wrong
    truth: np.ndarray  # [D] int, the truth of its class with the highest IoU; -1: none
    iou: np.ndarray  # [D] float, with that truth; -1: none


def match_by_class(
    truths: Truths,
    detections: DetectionArrays,
    iou_threshold: float = 0.5,
    ignored: np.ndarray | None = None,
    plus_one: bool = False,
) -> DetectionMatches:
    """Detections by falling score, each looking for the truth of its image and class.

    It takes the one with the highest IoU. If that IoU is greater than the threshold, the detection
    is right where the truth is still free and wrong where an earlier detection took it; with a
    lower IoU it is wrong. A detection whose truth is ignored counts neither way.

    Args:
      iou_threshold: a hit overlaps more than this.
      ignored: [N] bool, truths that are no positives; default: the difficult and the crowd ones.
      plus_one: width = xmax - xmin + 1, the VOC kit's convention for corners that are pixels.
    """
    ignored = truths.difficult | truths.crowd if ignored is None else ignored
    order = np.argsort(-detections.scores, kind="stable")
    images = max(truths.image.max(initial=-1), detections.image.max(initial=-1)) + 1
    groups = (part.label.astype(np.int64) * images + part.image for part in (truths, detections))
    best, nearest = np.full(len(order), -1.0), np.full(len(order), -1)
    for detection, truth in pairs(*groups):
        overlap = iou(truths.boxes[truth], detections.boxes[detection], plus_one)
        first = _best_pairs(detection, overlap)
        best[detection[first]], nearest[detection[first]] = overlap[first], truth[first]
    best, nearest = best[order], nearest[order]

    hit = best > iou_threshold
    right = np.zeros(len(order), bool)
    hits = np.flatnonzero(hit)
    right[hits[np.unique(nearest[hits], return_index=True)[1]]] = True
    counts = ~hit
    counts[hits] = ~ignored[nearest[hits]]
    return DetectionMatches(order, right & counts, counts, nearest, best)


def in_crowd(truths: Truths, detections: DetectionArrays) -> np.ndarray:
    """[M] bool, detections that lie by half or more in a crowd box of their image and class."""
    crowds = np.flatnonzero(truths.crowd)
    found = np.zeros(len(detections.label), bool)
    for detection, crowd in pairs(truths.image[crowds], detections.image):
        crowd = crowds[crowd]
        inside = _share_inside(truths.boxes[crowd], detections.boxes[detection]) >= 0.5
        found[detection[inside & (truths.label[crowd] == detections.label[detection])]] = True
    return found


def pairs(
    truth_group: np.ndarray, detection_group: np.ndarray, block: int = _BLOCK
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(detection [P], truth [P]): all pairs of one group, such as an image, by detection.

    They come in blocks of about `block` pairs: those of the whole set do not fit into memory
    (a shelf has hundreds of truths and of detections). All pairs of a detection are in one block.
    """
    # Truths sorted by group; each detection's partners are one run of them.
    by_group = np.argsort(truth_group, kind="stable")
    start = np.searchsorted(truth_group[by_group], detection_group, side="left")
    length = np.searchsorted(truth_group[by_group], detection_group, side="right") - start
    ends, first = np.cumsum(length), 0
    while first < len(ends):
        done = ends[first] - length[first]
        last = max(int(np.searchsorted(ends, done + block, side="right")), first + 1)
        part = slice(first, last)
        detection = np.repeat(np.arange(first, last), length[part])
        run_start = ends[part] - length[part] - done
        shift = np.repeat(run_start - start[part], length[part])
        yield detection, by_group[np.arange(len(detection)) - shift]
        first = last


def _best_pairs(detection: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Places of the pair with the highest value of each detection; among equals the first."""
    order = np.lexsort([-value, detection])
    return order[np.unique(detection[order], return_index=True)[1]]


def iou(a: np.ndarray, b: np.ndarray, plus_one: bool = False) -> np.ndarray:
    """IoU of boxes [P, 4] with boxes [P, 4], float64; 0 where both are empty."""
    common, area_a, area_b = _areas(a, b, float(plus_one))
    union = area_a + area_b - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def _share_inside(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Share of the boxes b [P, 4] that lies in the boxes a [P, 4], float64."""
    common, _, area = _areas(a, b, 0.0)
    return np.divide(common, area, out=np.zeros_like(common), where=area > 0)


def _areas(a, b, extra):
    a, b = a.astype(np.float64), b.astype(np.float64)
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    common = np.prod(np.maximum(high - low + extra, 0), axis=1)
    return common, *(np.prod(box[:, 2:] - box[:, :2] + extra, axis=1) for box in (a, b))
