"""What is kept of a picture in place of the picture: size, a hash, and a tiny grey copy."""

import hashlib
import io
import warnings
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
