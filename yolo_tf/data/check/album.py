"""The few pictures that are kept, encoded, to be drawn at the end."""

from typing import NamedTuple

import numpy as np

from yolo_tf.data.check.facts import Facts, Finding
from yolo_tf.data.check.kinds import KINDS, NOTE

_SAMPLES = 16
_PER_KIND = 4  # pictures of a kind of problem


class Page(NamedTuple):
    """A picture with boxes."""

    image: bytes
    boxes: np.ndarray  # [N, 4] yxyx normalised
    labels: np.ndarray  # [N] int
    others: np.ndarray = np.zeros([0, 4], np.float32)  # [M, 4] boxes to be drawn plainly


class Album:
    """Samples of `split` drawn by chance, the same for the same data; wrong boxes of all splits."""

    def __init__(self, split: str, seed: int = 0):
        self._split = split
        self.samples: list[Page] = []
        self.problems: list[Page] = []
        self.kinds = [name for name, kind in KINDS.items() if kind.severity != NOTE]
        self._random = np.random.default_rng(seed)
        self._seen = 0
        self._shown = dict.fromkeys(self.kinds, 0)

    def add(self, facts: Facts, findings: list[Finding]) -> None:
        """Looks at an image with its findings, and keeps it if it is worth showing."""
        if facts.split == self._split:
            self._sample(Page(facts.image, facts.boxes, facts.classes))
        wrong = [f for f in findings if f.box and f.kind in self._shown]
        new = {f.kind for f in wrong if self._shown[f.kind] < _PER_KIND}
        if new:
            boxes = np.array([f.box for f in wrong], np.float32)
            labels = np.array([self.kinds.index(f.kind) for f in wrong])
            self.problems.append(Page(facts.image, boxes, labels, facts.boxes))
            for kind in new:
                self._shown[kind] += 1

    def _sample(self, page: Page) -> None:
        """Keeps each of the pages seen so far with the same chance."""
        self._seen += 1
        if len(self.samples) < _SAMPLES:
            self.samples.append(page)
        elif (place := self._random.integers(self._seen)) < _SAMPLES:
            self.samples[place] = page
