"""What the target encoder does with the boxes of each image, a batch at a time."""

from collections.abc import Callable

import numpy as np

from yolo_tf.data.check.facts import Facts
from yolo_tf.data.check.split import Split

_BATCH = 32
_KINDS = {"unmatched": "unmatched_box", "shared": "shared_slot"}


class Encoder:
    """Collects images, and tells a split which of their boxes are not trained.

    Args:
      coverage: boxes [B, M, 4], classes [B, M] -> {"unmatched", "shared"} [B, M] bool, or None
        for a head that matches by what the network predicts.
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
        for name, kind in _KINDS.items():
            for row, n in zip(*np.nonzero(lost[name][: len(self._waiting)]), strict=True):
                split, facts, _ = self._waiting[row]
                self._find(kind, split, facts, n)
        for split, _, _ in self._waiting:
            split.encoder.update(dict.fromkeys(_KINDS.values(), 0))
        self._waiting = []

    def _find(self, kind: str, split: Split, facts: Facts, n: int) -> None:
        box = facts.boxes[n]
        name = self._names[facts.classes[n]]
        split.findings.add([facts.find_box(kind, f"{name} at {facts.pixels(box)}", n)])
        split.encoder[kind] += 1
