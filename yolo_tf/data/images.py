"""Validation of an encoded image, stored so that TensorFlow reads what a viewer shows.

TensorFlow reads JPEG and PNG and knows no EXIF orientation, so these go into records unchanged
where they are 8-bit RGB or grey and upright; what can be brought to that without a choice of ours
is stored anew and listed, the rest is refused by name. Pure Python and Pillow.

A JPEG is checked at a tenth of the cost of decoding it. The file (ITU-T T.81, annex B) is a chain
of segments, each a marker FF xx and, mostly, a length. The coded pixels follow a start of scan and
hold no marker but restarts. A decoder gives up on a faulty segment or a missing end; wrong bits
among the coded pixels only give it other pixels. So the chain is walked to the end of the image,
and the tables in front are tried without the pixels, on an image of a few rows.
"""

import io
import math
import re
import warnings
from collections.abc import Iterator

from PIL import Image, ImageOps, JpegImagePlugin, UnidentifiedImageError

from yolo_tf.data.checks import (
    DECODE_ERRORS,
    EXIF_DROPPED,
    IMAGE_CONVERTED,
    IMAGE_TURNED,
    MAX_PIXELS,
    MAX_SIDE,
    BadRecord,
    EncodedImage,
    Issue,
    number,
    show,
)
from yolo_tf.open_image import TooManyScans, open_image

# MPO: a JPEG with more images after the first, as phones write them; decoders see the first.
_STORED = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png"}
_MODES = ("1", "P", "PA", "L", "LA", "RGB", "RGBA", "CMYK", "YCbCr")  # 8 bits a channel or fewer
_EXPECTED = "a JPEG or PNG image (BMP, WebP, TIFF and GIF are converted)"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_ORIENTATION = 0x0112  # EXIF tag; 1 is upright, 5 to 8 lie on their side
_JPEG_QUALITY = 95  # of images turned upright: no visible loss, a tenth of a PNG's bytes


def check_image(
    data: bytes, record: str, file: str, declared=None, upright: bool = True
) -> tuple[EncodedImage, list[Issue]]:
    """Decodes an image once, to know that training can, and stores anew what it would misread.

    8-bit RGB and grey JPEG and PNG pass unchanged. Palette, alpha, CMYK, 16-bit RGB (the high
    bytes) and still BMP, WebP, TIFF and GIF become RGB PNG. Grey values of 16 bits, 32 bits and
    floats are refused, since bringing them to 8 bits needs a choice of range that is not ours.

    An EXIF orientation is settled by the size that the annotation declares: boxes drawn on the
    upright image have its size, boxes drawn on the pixels as they lie in the file have theirs.

    Args:
      declared: (height, width) as the annotation has it; anything.
      upright: turn the image where that size does not tell.

    Raises:
      BadRecord: of another format, animated, truncated or corrupt, too large, of a refused mode.
    """
    image = _open(data, record, file)
    with image:
        _load(image, data, record, file)
        found = _needs_conversion(image, data)
        _check_mode(image.mode, record, file)
        issues = []
        if found:
            issues.append(Issue(record, file, "image", found, "RGB or grey", IMAGE_CONVERTED))
        orientation = _orientation(image)
        if orientation == 1:
            if not found:
                height, width = image.size[::-1]
                return EncodedImage(data, _STORED[image.format], height, width), []
            return _encoded(image.convert("RGB"), "png"), issues
        turn = _boxes_are_upright(declared, image.size[::-1], orientation, upright)
        action, kept = (IMAGE_TURNED, "1") if turn else (EXIF_DROPPED, "1, the pixels' own")
        issues.append(Issue(record, file, "EXIF orientation", str(orientation), kept, action))
        if not turn and not found:
            height, width = image.size[::-1]
            plain = _without_metadata(data, image.format)
            return EncodedImage(plain, _STORED[image.format], height, width), issues
        pixels = ImageOps.exif_transpose(image) if turn else image
        kind = "png" if found else _STORED[image.format]
        return _encoded(pixels.convert("RGB") if found else pixels, kind), issues


def check_header(data: bytes, record: str, file: str) -> None:
    """Raises `BadRecord` unless the header is of a JPEG or PNG that TensorFlow reads rightly."""
    with _open(data, record, file) as image:
        if image.format not in _STORED:
            raise BadRecord(record, file, "image", f"format {image.format}", "JPEG or PNG")
        _check_mode(image.mode, record, file)


def _open(data, record, file) -> Image.Image:
    """The image with its header read and its size bounded; nothing is decoded yet."""
    if not data:
        raise BadRecord(record, file, "image", "an empty file", "a JPEG or PNG image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on size, bounded below, and on EXIF data
            image = open_image(io.BytesIO(data))
    except UnidentifiedImageError:
        heif = data[4:8] == b"ftyp"  # phones' images
        found = f"format HEIF ({show(data[8:12])[2:-1]})" if heif else f"bytes {show(data[:8])}"
        raise BadRecord(record, file, "image", found, _EXPECTED) from None
    except TooManyScans as error:
        raise BadRecord(record, file, "image", error.found, error.expected) from None
    except Image.DecompressionBombError:
        raise BadRecord(record, file, "size", "a giant image", _size_limit()) from None
    except DECODE_ERRORS as error:
        raise BadRecord(record, file, "image", show(str(error)), "a whole image") from None
    width, height = image.size
    if min(width, height) < 1 or max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise BadRecord(record, file, "size", f"{width} x {height}", _size_limit())
    return image


def _load(image, data, record, file) -> None:
    try:
        if image.format != "MPO" and getattr(image, "is_animated", False):
            found = f"{image.format} with several images"
            raise BadRecord(record, file, "image", found, "a still image")
        if image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L"):
            check_jpeg(data)
        else:
            image.load()
        if image.format == "PNG":
            # Pillow forgives a PNG without its end, TensorFlow does not: read all chunks.
            open_image(io.BytesIO(data)).verify()
            if _PNG_END not in data:
                raise OSError("image file is truncated")
    except BadRecord:
        raise
    except DECODE_ERRORS as error:
        raise BadRecord(record, file, "image", show(str(error)), "a whole image") from None


def _check_mode(mode, record, file) -> None:
    if mode not in _MODES:
        raise BadRecord(record, file, "colour mode", mode, "8-bit RGB or grey; convert the image")


def _needs_conversion(image, data) -> str:
    """What keeps the image from being stored as it is; "" if nothing does."""
    if image.format not in _STORED:
        return f"{image.format}, mode {image.mode}"
    if image.mode not in ("RGB", "L"):
        return f"mode {image.mode}"
    # Pillow shows the high bytes of 16-bit RGB under the name of the 8-bit mode.
    return "RGB of 16 bits" if image.format == "PNG" and data[24] == 16 else ""


def _orientation(image) -> int:
    """1 to 8; 1 too where EXIF data are missing or beyond reading."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except DECODE_ERRORS:
        return 1
    return value if isinstance(value, int) and 2 <= value <= 8 else 1


def _boxes_are_upright(declared, stored: tuple, orientation: int, default: bool) -> bool:
    turned = stored[::-1] if orientation >= 5 else stored
    declared = tuple(number(v) for v in declared) if declared is not None else (math.nan,)
    if turned == stored or declared not in (turned, stored):
        return default
    return declared == turned


def _encoded(image, kind: str) -> EncodedImage:
    buffer = io.BytesIO()
    if kind == "jpeg":
        image.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0, exif=b"")
    else:
        image.save(buffer, "PNG", exif=b"")
    return EncodedImage(buffer.getvalue(), kind, image.height, image.width)


def _without_metadata(data: bytes, kind: str) -> bytes:
    """The same pixels bit by bit, without EXIF and XMP: no reader turns them any more."""
    if kind == "PNG":
        dropped = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
        return data[:8] + b"".join(c for c in _png_chunks(data) if c[4:8] not in dropped)
    kept, position = [data[:2]], 2
    while data[position] == 0xFF and data[position + 1] != 0xDA:  # up to the start of scan
        if data[position + 1] == 0xFF:  # a fill byte
            position += 1
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] != 0xE1:  # APP1 holds EXIF and XMP
            kept.append(data[position:end])
        position = end
    return b"".join(kept) + data[position:]


def _png_chunks(data: bytes) -> Iterator[bytes]:
    position = 8
    while position + 12 <= len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        yield data[position:end]
        position = end


def _size_limit() -> str:
    return f"at most {MAX_SIDE} pixels a side and {MAX_PIXELS // 10**6} megapixels"


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
