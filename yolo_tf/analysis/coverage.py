"""What the target encoder keeps of the ground truth: boxes cut off, without area, unmatched.

`coverage` tells for a head which boxes have no anchor, prior or cell, before a network has said
anything; `Encoder` counts them over the images of a split, a batch at a time.
"""

from collections.abc import Callable

import numpy as np

from yolo_tf.analysis.readings import Facts
from yolo_tf.analysis.split import Split
from yolo_tf.heads.base import Head
from yolo_tf.heads.grid import make_grid
from yolo_tf.heads.ssd.head import SsdHead
from yolo_tf.heads.tal.head import TalHead
from yolo_tf.heads.tal.points import points_inside, real_truths
from yolo_tf.heads.yolo.head import YoloHead

_BATCH = 32
_KINDS = {
    "unmatched": "unmatched_box",
    "shared": "shared_slot",
    "between_points": "box_between_points",
}


class Encoder:
    """Collects images, and tells a split which of their boxes are not trained.

    Args:
      coverage: boxes [B, M, 4], classes [B, M] -> {some of "unmatched", "shared",
        "between_points": [B, M] bool}, or None for a head that can train every box.
      max_boxes: M, the limit of `DataConfig.max_boxes`.
    """

    def __init__(self, coverage: Callable | None, max_boxes: int, class_names: list[str]):
        self._coverage = coverage
        self._most = max_boxes
        self._names = class_names
        self._waiting = []

    def add(self, split: Split, facts: Facts, boxes: np.ndarray) -> None:
        """Takes an image; `boxes` [N, 4] are its boxes in the network input."""
        for n in range(self._most, len(boxes)):
            self._find("over_max_boxes", split, facts, n)
        split.encoder["crowd"] += int(facts.crowd[: self._most].sum())
        if self._coverage and len(boxes):
            facts.image = b""  # not kept while it waits
            self._waiting.append((split, facts, boxes[: self._most]))
            if len(self._waiting) == _BATCH:
                self.flush()

    def flush(self) -> None:
        """Encodes what waits; call it after the last image of a split."""
        if not self._waiting:
            return
        boxes = np.zeros([_BATCH, self._most, 4], np.float32)  # of one shape: traced once
        classes = np.full([_BATCH, self._most], -1, np.int32)
        for row, (_, facts, own) in enumerate(self._waiting):
            plain = ~facts.crowd[: self._most]
            boxes[row, : len(own)] = np.where(plain[:, None], own, 0.0)
            classes[row, : len(own)] = np.where(plain, facts.classes[: self._most], -1)
        lost = self._coverage(boxes, classes)
        for name, boxes_lost in lost.items():
            for row, n in zip(*np.nonzero(boxes_lost[: len(self._waiting)]), strict=True):
                split, facts, _ = self._waiting[row]
                self._find(_KINDS[name], split, facts, n)
        for split, _, _ in self._waiting:
            split.encoder.update({_KINDS[name]: 0 for name in lost})
        self._waiting = []

    def _find(self, kind: str, split: Split, facts: Facts, n: int) -> None:
        box = facts.boxes[n]
        name = self._names[facts.classes[n]]
        split.findings.add([facts.find_box(kind, f"{name} at {facts.pixels(box)}", n)])
        split.encoder[kind] += 1


Coverage = Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]


def coverage(head: Head) -> Coverage | None:
    """A function that tells what `head.encode` does with boxes.

    Returns:
      boxes [B, N, 4] float32 yxyx normalised, classes [B, N] int32 (-1: padding) ->
        "unmatched" [B, N] bool: no anchor answers for the box;
        "shared" [B, N] bool: every anchor that answers for it, in its cell, has a later box of
        the image too, and most losses train the last one;
        and for the task-aligned head, which assigns its points by what the network predicts,
        "between_points" [B, N] bool alone: the box contains none of its points.
      None for a head that matches by what the network predicts.
    """
    for kind, function in _COVERAGE.items():
        if isinstance(head, kind):
            return lambda boxes, classes: function(head, boxes, classes)
    return None


def _yolo(head: YoloHead, boxes: np.ndarray, classes: np.ndarray) -> dict[str, np.ndarray]:
    targets = head.encode(boxes, classes)
    matched, kept = np.zeros(classes.shape, bool), np.zeros(classes.shape, bool)
    for stride, level in targets["levels"].items():
        matches, cells = level["matches"].numpy(), level["cells"].numpy()
        image, box, step, anchor = np.nonzero(matches)
        rows, cols = (side // stride for side in head.input_size)
        row, col = cells[image, box, step].T
        slot = (image, row, col, anchor)
        last = np.full([len(classes), rows, cols, matches.shape[-1]], -1)
        np.maximum.at(last, slot, box)
        owner = last[slot] == box
        matched[image, box] = True
        kept[image[owner], box[owner]] = True
    return {"unmatched": (classes >= 0) & ~matched, "shared": matched & ~kept}


def _ssd(head: SsdHead, boxes: np.ndarray, classes: np.ndarray) -> dict[str, np.ndarray]:
    match = head.encode(boxes, classes)["match"].numpy()  # [B, priors]; row 1 is box 0
    matched = np.zeros([len(classes), classes.shape[1] + 1], bool)
    np.put_along_axis(matched, np.maximum(match, 0), True, axis=1)
    unmatched = (classes >= 0) & ~matched[:, 1:]
    return {"unmatched": unmatched, "shared": np.zeros_like(unmatched)}


def _tal(head: TalHead, boxes: np.ndarray, classes: np.ndarray) -> dict[str, np.ndarray]:
    height, width = head.input_size
    grid = make_grid({stride: (height // stride, width // stride) for stride in head.strides})
    real = real_truths(boxes, classes)
    inside = points_inside(boxes * grid.scale, real, grid, head.config.assign.min_side)
    return {"between_points": (classes >= 0) & ~inside.numpy().any(axis=-1)}


_COVERAGE = {YoloHead: _yolo, SsdHead: _ssd, TalHead: _tal}
