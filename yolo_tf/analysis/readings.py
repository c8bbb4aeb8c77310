"""What is known of one image after reading it: the unit that all checks work on."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from yolo_tf.data.fingerprints import Fingerprint


class Finding(NamedTuple):
    """One thing found wrong, and where."""

    kind: str  # a key of `kinds.KINDS`
    split: str
    place: str  # file and record, or file and line or object
    image: str  # source_id; of a class its name; "" where there is neither
    detail: str
    box: tuple[float, float, float, float] | None = None  # yxyx normalised

    def to_dict(self) -> dict:
        """For JSON, without the kind."""
        found = {key: getattr(self, key) for key in ("split", "place", "image", "detail")}
        return {**found, "box_yxyx": [round(v, 6) for v in self.box]} if self.box else found


@dataclass
class Facts:
    """An image with the boxes that can be used."""

    split: str
    place: str  # of the image: file and record, or file
    source_id: str
    image: bytes  # encoded
    print: Fingerprint
    boxes: np.ndarray = field(default_factory=lambda: np.zeros([0, 4], np.float32))  # as in Sample
    classes: np.ndarray = field(default_factory=lambda: np.zeros([0], np.int32))
    crowd: np.ndarray = field(default_factory=lambda: np.zeros([0], bool))
    box_places: list[str] = field(default_factory=list)  # of each box: file and line or object

    def pixels(self, box: np.ndarray) -> str:
        """ "xmin, ymin, xmax, ymax" of a box in pixels of the image."""
        size = np.array([self.print.height, self.print.width] * 2)
        ymin, xmin, ymax, xmax = np.round(box * size, 1).tolist()
        return f"{xmin:g}, {ymin:g}, {xmax:g}, {ymax:g}"

    def find(self, kind: str, detail: str) -> Finding:
        """A finding of this image."""
        return Finding(kind, self.split, self.place, self.source_id, detail)

    def find_box(self, kind: str, detail: str, n: int) -> Finding:
        """A finding of box `n`."""
        return self.find_at(kind, detail, self.box_places[n], self.boxes[n])

    def find_at(self, kind: str, detail: str, place: str, box) -> Finding:
        """A finding of a box, [4] or None, that may not be among `boxes`."""
        corners = None if box is None else tuple(float(v) for v in box)
        return Finding(kind, self.split, place, self.source_id, detail, corners)


# An image with its findings; None in place of one that cannot be used.
Reading = tuple[Facts | None, list[Finding]]
