"""Opening image files of strangers: few formats, no other program, bounded work.

Pillow knows some forty formats and starts another program, Ghostscript, for PostScript, whatever
the file is called. A JPEG may hold any number of scans, each of which costs as much as decoding
the whole image; a hundred kilobytes would keep a processor for minutes.
"""

import re

from PIL import Image

# What is read; MPO, several JPEGs in one file, is opened as JPEG.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP")
# Encoders write 1 to 12; programs that try all divisions for the smallest file about 20.
MAX_SCANS = 32
SCAN = b"\xff\xda"
_SEGMENT = re.compile(rb"\xff([\xc0-\xcf\xd9-\xfe])")  # the end, and those that have a length
_END = b"\xd9"


class TooManyScans(ValueError):
    """A JPEG of more than `MAX_SCANS` scans."""

    def __init__(self, scans: int):
        self.found, self.expected = f"{scans} scans", f"at most {MAX_SCANS}"
        super().__init__(f"found {self.found}, expected {self.expected}")


def open_image(file) -> Image.Image:
    """Pillow's `Image.open` for `FORMATS` alone: the header is read, nothing is decoded.

    Args:
      file: a path, or a binary file that is open.

    Raises:
      PIL.UnidentifiedImageError: another format.
      TooManyScans: of a JPEG.
      OSError and others: see `checks.DECODE_ERRORS`.
    """
    image = Image.open(file, formats=FORMATS)
    if image.format in ("JPEG", "MPO"):
        place = image.fp.tell()
        image.fp.seek(0)
        scans = count_scans(image.fp.read())
        image.fp.seek(place)
        if scans > MAX_SCANS:
            image.close()
            raise TooManyScans(scans)
    return image


def count_scans(data: bytes) -> int:
    """Scans of the first image in a JPEG file, or a greater number of at most `MAX_SCANS`."""
    most = data.count(SCAN)
    if most <= MAX_SCANS:  # those of thumbnails and of what is appended included
        return most
    scans = position = 0
    while (found := _SEGMENT.search(data, position)) and found[1] != _END:
        start = found.end()
        scans += found[0] == SCAN
        position = start + max(int.from_bytes(data[start : start + 2], "big"), 2)
    return scans
