"""Whether a JPEG is whole and can be decoded, at a tenth of the cost of decoding it.

A file (ITU-T T.81, annex B) is a chain of segments, each a marker FF xx and, mostly, a length. The
coded pixels follow a start of scan and hold no marker but restarts. A decoder gives up on a faulty
segment or a missing end; wrong bits among the coded pixels only give it other pixels. So the chain
is walked to the end of the image, and the tables in front are tried without the pixels, on an
image of a few rows.
"""

import io
import re

from PIL import JpegImagePlugin

_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")  # any but restarts and the stuffed FF 00
_SEGMENT = re.compile(rb"\xff([\xc0-\xcf\xd9-\xfe])")  # the end, and those that have a length
_FRAMES = [bytes([code]) for code in range(0xC0, 0xD0) if code not in (0xC4, 0xC8, 0xCC)]
_END, _SCAN = b"\xd9", b"\xda"
_HEIGHT = 3  # place in a frame's segment, behind length and precision
_ROWS = b"\0\x10"
_END_OF_IMAGE = b"\xff\xd9"


def check_jpeg(data: bytes) -> None:
    """Raises one of Pillow's errors unless TensorFlow and Pillow can decode the image.

    Pillow alone forgives a missing end of image, on which TensorFlow fails.
    """
    pixels, height = _walk(data)
    # A marker among the pixels may mean anything: then they are decoded, at an eighth of the size.
    stub = data
    if pixels:
        rows = _ROWS if data[height] < 0xFF else b""  # no decoder takes so many, nor do we
        stub = data[:height] + rows + data[height + len(rows) : pixels] + _END_OF_IMAGE
    with JpegImagePlugin.JpegImageFile(io.BytesIO(stub)) as image:
        image.draft("L", (1, 1))
        image.load()


def _walk(data: bytes) -> tuple[int, int]:
    """Where the last coded pixels begin, if nothing but them lies before the end, and where the
    image's height is written; else zeros.
    """
    position = height = 0
    while True:
        found = _SEGMENT.search(data, position)
        if not found:
            raise OSError("image file is truncated: no end of image")
        if found[1] == _END:
            return 0, 0
        start = found.end()
        if found[1] in _FRAMES:
            height = start + _HEIGHT
        # Read even where no length can be: a decoder does so too, and stops there.
        position = start + max(int.from_bytes(data[start : start + 2], "big"), 2)
        if found[1] == _SCAN:
            following = _MARKER.search(data, position)
            if following and following[1] == _END:
                return (position, height) if height else (0, 0)
