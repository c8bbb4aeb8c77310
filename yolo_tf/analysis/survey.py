"""All images of a split, read once: from readings to a `Split` with its findings.

The few images that are to be drawn at the end are kept, encoded, in an `Album`.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from yolo_tf.analysis.coverage import Encoder
from yolo_tf.analysis.duplicates import double_boxes
from yolo_tf.analysis.kinds import KINDS, NOTE
from yolo_tf.analysis.readings import Facts, Finding, Reading
from yolo_tf.analysis.split import Split
from yolo_tf.data.records.anchors import reachable
from yolo_tf.data.records.statistics import boxes_to_input, image_placement

_SAMPLES = 16
_PER_KIND = 4  # images of a kind of problem


class Page(NamedTuple):
    """An image with boxes."""

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


class Input(NamedTuple):
    """How images come to the network; of a recipe."""

    size: tuple[int, int]  # (height, width) pixels
    resize: str  # a key of `ops.resize.RESIZES`
    min_size: float  # pixels; smaller boxes are noted
    anchors: np.ndarray | None  # [A, 2] (width, height) pixels; None: there are none


def survey(
    split: Split,
    readings: Iterable[Reading],
    class_names: list[str],
    network_input: Input,
    encoder: Encoder,
    album: Album,
) -> Split:
    """Fills `split` with all readings; the images worth showing go into `album`."""
    for facts, findings in readings:
        if facts is None:
            split.unusable += sum(finding.kind == "unusable_image" for finding in findings)
            split.findings.add(findings)
            continue
        placement = image_placement(
            (facts.print.height, facts.print.width), network_input.size, network_input.resize
        )
        boxes = boxes_to_input(facts.boxes, placement)
        wh = ((boxes[:, 2:] - boxes[:, :2]) * np.array(network_input.size))[:, ::-1]
        findings = [*findings, *_remarks(facts, wh, class_names, network_input)]
        split.findings.add(findings)
        split.add(facts, wh)
        album.add(facts, findings)
        encoder.add(split, facts, boxes)
    encoder.flush()
    return split


def _remarks(facts: Facts, wh, class_names: list[str], network_input: Input) -> list[Finding]:
    found = double_boxes(facts, class_names)
    if not len(facts.classes):
        found.append(facts.find("unlabelled_image", "no usable box"))
    small = wh.min(axis=1, initial=np.inf) < network_input.min_size
    poor = np.zeros_like(small)
    if network_input.anchors is not None:
        poor = ~reachable(wh, network_input.anchors) & ~facts.crowd
    for kind, wanted in (("crowd_box", facts.crowd), ("small_box", small), ("poor_anchor", poor)):
        for n in np.flatnonzero(wanted):
            text = f"{class_names[facts.classes[n]]} at {facts.pixels(facts.boxes[n])}"
            if kind != "crowd_box":
                text += f", {wh[n, 0]:.1f} x {wh[n, 1]:.1f} input pixels"
            found.append(facts.find_box(kind, text, n))
    return found
