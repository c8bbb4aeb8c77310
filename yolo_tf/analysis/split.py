"""What is kept of a split while its images pass by: numbers, hashes and findings, no images."""

from collections import Counter
from typing import TextIO

import numpy as np

from yolo_tf.analysis.findings import Findings
from yolo_tf.analysis.readings import Facts
from yolo_tf.data.fingerprints import COLS, ROWS

GRID = 20  # cells a side of the map of box centres


class Split:
    """One split, filled by `add`; then the properties give arrays over images or boxes.

    Args:
      where: the pattern or folder it is read from.
      file: of `Findings`.
    """

    def __init__(self, name: str, where: str, num_classes: int, file: TextIO):
        self.name = name
        self.where = where
        self.findings = Findings(file)
        self.unusable = 0  # images
        self.ids: list[str] = []
        self.places: list[str] = []
        self.digests: list[bytes] = []
        self.counts: list[int] = []  # boxes of each image
        self.images_per_class = np.zeros(num_classes, np.int64)
        self.centres = np.zeros([GRID, GRID], np.int64)  # rows, columns of the image
        self.sizes = Counter()  # (height, width) -> images
        self.encoder = Counter(over_max_boxes=0, crowd=0)  # boxes by what becomes of them
        self._greys = []
        self._wh = [np.zeros([0, 2], np.float32)]
        self._classes = [np.zeros([0], np.int32)]
        self._crowd = [np.zeros([0], bool)]

    def add(self, facts: Facts, wh: np.ndarray) -> None:
        """Takes an image and the sizes [N, 2] (width, height) of its boxes in input pixels."""
        self.ids.append(facts.source_id)
        self.places.append(facts.place)
        self.digests.append(facts.print.digest)
        self.counts.append(len(facts.classes))
        self.sizes[facts.print.height, facts.print.width] += 1
        if facts.print.grey is not None:
            self._greys.append(facts.print.grey)
        self.images_per_class[np.unique(facts.classes)] += 1
        if len(wh):
            centres = (facts.boxes[:, :2] + facts.boxes[:, 2:]) / 2
            cells = np.clip((centres * GRID).astype(int), 0, GRID - 1)
            np.add.at(self.centres, tuple(cells.T), 1)
            self._wh.append(wh.astype(np.float32))
            self._classes.append(facts.classes)
            self._crowd.append(facts.crowd)

    @property
    def images(self) -> int:
        return len(self.ids)

    @property
    def boxes(self) -> int:
        return sum(self.counts)

    @property
    def crowd_boxes(self) -> int:
        return int(np.concatenate(self._crowd).sum())

    @property
    def boxes_per_class(self) -> np.ndarray:
        """[classes] int64, crowd boxes too."""
        return np.bincount(np.concatenate(self._classes), minlength=len(self.images_per_class))

    @property
    def greys(self) -> np.ndarray:
        """[images, rows, cols] uint8; no rows where images were not decoded."""
        return np.stack(self._greys) if self._greys else np.zeros([0, ROWS, COLS], np.uint8)

    def box_sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """[N, 2] float32 (width, height) in input pixels and [N] classes, without crowds."""
        plain = ~np.concatenate(self._crowd)
        return np.concatenate(self._wh)[plain], np.concatenate(self._classes)[plain]
