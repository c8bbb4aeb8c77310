"""What is known of one image after reading it: the unit that all checks work on.

In place of the pixels a `Fingerprint` is kept: size, a hash, and a tiny grey copy.
"""

import hashlib
import io
import warnings
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from PIL import Image

from yolo_tf.data.checks import DECODE_ERRORS, BadRecord, show
from yolo_tf.data.images import check_header

ROWS, COLS = 8, 9
_ORIENTATION = 0x0112  # EXIF tag; 1 is upright
_ROUGH = 8  # JPEGs are decoded to about this many pixels for one of the tiny copy


class Fingerprint(NamedTuple):
    digest: bytes  # 16 bytes; equal for equal files
    height: int  # pixels
    width: int
    turned: bool  # EXIF data would turn the picture
    grey: np.ndarray | None  # [ROWS, COLS] uint8: the picture scaled down; None: not decoded


def fingerprint(data: bytes, place: str, source_id: str = "", decode: bool = True) -> Fingerprint:
    """Reads the header and, to `decode`, the pixels at the least size that the format offers.

    Raises:
      BadRecord: no JPEG or PNG, too large, or (only with `decode`) damaged.
    """
    check_header(data, source_id, place)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on EXIF data and size
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
                turned = False
                if decode or image.format != "PNG":  # a PNG is decoded to find its EXIF data
                    turned = image.getexif().get(_ORIENTATION, 1) not in (0, 1)
                grey = _grey(image) if decode else None
    except DECODE_ERRORS as error:
        raise BadRecord(source_id, place, "image", show(str(error)), "a whole image") from None
    digest = hashlib.blake2b(data, digest_size=16).digest()
    return Fingerprint(digest, height, width, turned, grey)


def _grey(image: Image.Image) -> np.ndarray:
    # A JPEG decodes to 1/2, 1/4 or 1/8 of its size at a fraction of the cost.
    image.draft("L", (COLS * _ROUGH, ROWS * _ROUGH))
    if image.mode.startswith("I;16") or image.mode == "I":  # 16 bits, the high byte
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    return np.asarray(image.convert("L").resize((COLS, ROWS), Image.Resampling.BOX))


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
        """ "xmin, ymin, xmax, ymax" of a box in pixels of the picture."""
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
