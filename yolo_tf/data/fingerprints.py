"""Images that are equal or look alike, found without comparing each with each.

In place of the pixels a `Fingerprint` is kept: size, a hash of the file, and a tiny grey copy.
Images look alike by the difference hash of that copy: a bit for every two neighbours in a row, set
where the right one is brighter (N. Krawetz 2013). It survives another size, another JPEG quality
and small changes of colour. Hashes that differ in at most 3 of 64 bits agree in one of four parts
of 16 bits, so only images with an equal part are compared.
"""

import hashlib
import io
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from yolo_tf.data.checks import DECODE_ERRORS, BadRecord, show
from yolo_tf.data.images import check_header
from yolo_tf.open_image import open_image

ROWS, COLS = 8, 9
_ORIENTATION = 0x0112  # EXIF tag; 1 is upright
_ROUGH = 8  # JPEGs are decoded to about this many pixels for one of the tiny copy
MAX_BITS = 3
MAX_DIFFERENCE = 3.0  # mean absolute difference of the grey copies, 0..255, without their means
MIN_CONTRAST = 4.0  # standard deviation; below, an image is plain and looks like every other
_NEIGHBOURS = 64  # images with an equal part that each is compared with, at most


class Fingerprint(NamedTuple):
    digest: bytes  # 16 bytes; equal for equal files
    height: int  # pixels
    width: int
    turned: bool  # EXIF data would turn the image
    grey: np.ndarray | None  # [ROWS, COLS] uint8: the image scaled down; None: not decoded


def fingerprint(data: bytes, place: str, source_id: str = "", decode: bool = True) -> Fingerprint:
    """Reads the header and, to `decode`, the pixels at the least size that the format offers.

    Raises:
      BadRecord: no JPEG or PNG, too large, or (only with `decode`) damaged.
    """
    check_header(data, source_id, place)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on EXIF data and size
            with open_image(io.BytesIO(data)) as image:
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


def similar(grey: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (later, earlier) of images that look alike, the earliest for each later one.

    Args:
      grey: [N, rows, cols] uint8, the copies of `fingerprint`.
    """
    if len(grey) < 2:
        return []
    values = grey.astype(np.float32)
    values -= values.mean(axis=(1, 2), keepdims=True)
    usable = values.std(axis=(1, 2)) >= MIN_CONTRAST
    bits = np.packbits((grey[:, :, 1:] > grey[:, :, :-1]).reshape(len(grey), -1), axis=1)
    earliest = {}
    for later, earlier in _candidates(bits, usable):
        apart = np.unpackbits(bits[later] ^ bits[earlier], axis=1).sum(axis=1)
        difference = np.abs(values[later] - values[earlier]).mean(axis=(1, 2))
        alike = (apart <= MAX_BITS) & (difference <= MAX_DIFFERENCE)
        for a, b in zip(later[alike].tolist(), earlier[alike].tolist(), strict=True):
            earliest[a] = min(b, earliest.get(a, b))
    return sorted(earliest.items())


def _candidates(bits: np.ndarray, usable: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of indices (later, earlier), many at a time; some more than once."""
    rows = np.flatnonzero(usable)
    for part in np.ascontiguousarray(bits[rows]).view(np.uint16).T:
        order = np.argsort(part, kind="stable")
        keys, members = part[order], rows[order]
        for distance in range(1, min(_NEIGHBOURS, len(rows) - 1) + 1):
            equal = keys[distance:] == keys[:-distance]
            if not equal.any():
                break
            yield members[distance:][equal], members[:-distance][equal]
