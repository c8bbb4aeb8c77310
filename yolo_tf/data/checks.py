"""Validation of one image and its boxes, before anything reaches a TFRecord.

Pure Python and Pillow: worker processes run this without loading TensorFlow. An image that cannot
be used raises `BadRecord`; what concerns a single box, or was mended, comes back as an `Issue`.
"""

import io
import math
import struct
import warnings
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

MAX_SIDE = 20_000  # pixels
MAX_PIXELS = 100_000_000
MAX_FILE_BYTES = 256 * 1024 * 1024
# A box may reach this far out of its image and is cut back: tools round to whole pixels and
# disagree on where counting starts. Farther out, the coordinates mean something else.
OVERFLOW_PIXELS = 2.0
OVERFLOW_SHARE = 0.02

IMAGE_SKIPPED = "image skipped"
BOX_SKIPPED = "box skipped"
EMPTY_BOX_SKIPPED = "empty box skipped"
BOX_CLIPPED = "box clipped"
SIZE_CORRECTED = "declared size replaced"
IMAGE_CONVERTED = "image converted to RGB PNG"
NAME_IGNORED = "filename ignored"
# These stop a build unless --skip_bad is given; the others are always counted and listed.
FATAL = (IMAGE_SKIPPED, BOX_SKIPPED)


@dataclass(frozen=True)
class Issue:
    """One thing found wrong: where, what, and what becomes of it."""

    record: str  # source_id, or "" when it belongs to no record
    file: str  # relative to the data folder
    field: str
    found: str
    expected: str
    action: str  # one of the constants above

    def __str__(self):
        text = f"{self.file}: {self.field}: found {self.found}, expected {self.expected}"
        return "".join(
            c if c.isprintable() else "?" for c in text
        )  # one line, whatever a file says

    @property
    def fatal(self) -> bool:
        return self.action in FATAL

    def to_dict(self) -> dict:
        return asdict(self)


class BadRecord(ValueError):
    """The whole image is unusable; `issue` says why."""

    def __init__(self, record: str, file: str, field: str, found: str, expected: str):
        self.issue = Issue(record, file, field, found, expected, IMAGE_SKIPPED)
        super().__init__(str(self.issue))


@dataclass(frozen=True)
class EncodedImage:
    data: bytes
    format: str  # "jpeg" | "png"
    height: int
    width: int


def show(value) -> str:
    """A found value for a message: one line, printable, not endless."""
    text = repr(value) if isinstance(value, str) else ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."


def number(value) -> float:
    """`value` as a float; NaN for what is not a finite number. Takes text and JSON numbers."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return math.nan
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return result if math.isfinite(result) else math.nan


def safe_path(folder: Path, name: str, record: str, file: str, field: str) -> Path:
    """`folder / name`, symbolic links followed; `BadRecord` if that leaves `folder`."""
    expected = f"a path inside {folder.name}/"
    try:
        path = (folder / name).resolve()
        path.is_file()  # what the system cannot even look up fails here
    except (ValueError, OSError, RuntimeError):  # null byte, name too long, a loop of links
        raise BadRecord(record, file, field, show(name), expected) from None
    # A backslash is a separator on Windows only; refused everywhere, so that a data set which
    # builds here builds there.
    if "\\" in name or not path.is_relative_to(folder.resolve()) or path == folder.resolve():
        raise BadRecord(record, file, field, show(name), expected)
    return path


def read_file(path: Path, record: str, file: str, field: str) -> bytes:
    """The bytes of a regular file of bounded size; `BadRecord` otherwise."""
    try:
        if not path.is_file():
            raise BadRecord(record, file, field, "no such file", "a file")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise BadRecord(record, file, field, f"{size} bytes", f"at most {MAX_FILE_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        found = error.strerror or "an unreadable file"
        raise BadRecord(record, file, field, found, "a readable file") from None


def check_image(data: bytes, record: str, file: str) -> tuple[EncodedImage, list[Issue]]:
    """Decodes an image once, to know that training can. RGB and grey JPEG or PNG pass unchanged.

    Other 8-bit modes (palette, alpha, CMYK) are stored anew as RGB PNG and listed, because
    TensorFlow reads them differently or not at all; 16-bit, 32-bit and float modes are refused,
    since bringing them to 8 bits needs a choice of range that is not ours.

    Raises:
      BadRecord: not JPEG or PNG, truncated or corrupt, too large, or of a refused mode.
    """
    if not data:
        raise BadRecord(record, file, "image", "an empty file", "a JPEG or PNG image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # bounded below
            image = Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        raise BadRecord(
            record, file, "image", f"bytes {show(data[:8])}", "a JPEG or PNG image"
        ) from None
    except Image.DecompressionBombError:
        raise BadRecord(record, file, "size", "a giant image", _size_limit()) from None
    except DECODE_ERRORS as error:
        raise BadRecord(record, file, "image", show(str(error)), "a whole image") from None
    with image:
        return _checked(image, data, record, file)


# What Pillow's decoders raise on corrupt data, besides its own OSErrors.
DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
# MPO: a JPEG with more pictures after the first, as phones write them; decoders see the first.
_FORMATS = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png"}


def _checked(image, data, record, file):
    if image.format not in _FORMATS:
        raise BadRecord(record, file, "image", f"format {image.format}", "JPEG or PNG")
    width, height = image.size
    if min(width, height) < 1 or max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise BadRecord(record, file, "size", f"{width} x {height}", _size_limit())
    try:
        image.load()
        if image.format == "PNG":
            # Pillow forgives a PNG without its end, TensorFlow does not: read all chunks.
            Image.open(io.BytesIO(data)).verify()
            if _PNG_END not in data:
                raise OSError("image file is truncated")
    except DECODE_ERRORS as error:
        raise BadRecord(record, file, "image", show(str(error)), "a whole image") from None
    if image.mode in ("RGB", "L"):
        return EncodedImage(data, _FORMATS[image.format], height, width), []
    if image.mode not in ("1", "P", "PA", "LA", "RGBA", "CMYK", "YCbCr"):
        raise BadRecord(
            record, file, "colour mode", image.mode, "8-bit RGB or grey; convert the image"
        )
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "PNG")
    issue = Issue(record, file, "colour mode", image.mode, "RGB or L (grey)", IMAGE_CONVERTED)
    return EncodedImage(buffer.getvalue(), "png", height, width), [issue]


def _size_limit() -> str:
    return f"at most {MAX_SIDE} pixels a side and {MAX_PIXELS // 10**6} megapixels"


def check_size(declared, image: EncodedImage, record: str, file: str) -> list[Issue]:
    """Compares the size an annotation declares, (height, width) of anything, with the image's.

    The image's own size counts. A swapped size is refused: the boxes were drawn on a turned view.
    """
    if tuple(number(v) for v in declared) == (image.height, image.width):
        return []
    found = " x ".join(show(v) if v is not None else "nothing" for v in reversed(declared))
    expected = f"{image.width} x {image.height}, the image's own"
    if tuple(number(v) for v in declared) == (image.width, image.height):
        raise BadRecord(
            record, file, "size", f"{found} (swapped)", f"{expected}; turn the image or its boxes"
        )
    return [Issue(record, file, "size", found, expected, SIZE_CORRECTED)]


def check_box(corners, text: str, height: int, width: int):
    """Checks (xmin, ymin, xmax, ymax) in pixels against an image.

    Args:
      text: the coordinates as the annotation writes them, for the message.

    Returns:
      (ymin, xmin, ymax, xmax) normalised to [0, 1], or None for a box that cannot be used; and
      None, or (action, found, expected) when the box was dropped or clipped.
    """
    found = ", ".join(f"{v:g}" for v in corners)
    xmin, ymin, xmax, ymax = corners
    if not all(math.isfinite(v) for v in corners):
        return None, (BOX_SKIPPED, text, "four finite numbers xmin, ymin, xmax, ymax")
    if xmax < xmin or ymax < ymin:
        return None, (BOX_SKIPPED, f"{found} (inverted)", "xmin < xmax and ymin < ymax")
    if xmax == xmin or ymax == ymin:
        return None, (EMPTY_BOX_SKIPPED, f"{found} (no area)", "xmin < xmax and ymin < ymax")
    over_x = max(-xmin, xmax - width, 0.0)
    over_y = max(-ymin, ymax - height, 0.0)
    inside = f"a box inside 0, 0, {width}, {height}"
    if over_x > max(OVERFLOW_PIXELS, OVERFLOW_SHARE * width) or over_y > max(
        OVERFLOW_PIXELS, OVERFLOW_SHARE * height
    ):
        return None, (BOX_SKIPPED, f"{found} (outside)", inside)
    box = (ymin / height, xmin / width, ymax / height, xmax / width)
    box = tuple(_float32(min(max(v, 0.0), 1.0)) for v in box)
    if box[2] <= box[0] or box[3] <= box[1]:
        return None, (EMPTY_BOX_SKIPPED, f"{found} (no area in the image)", inside)
    return box, (BOX_CLIPPED, found, inside) if over_x or over_y else None


def _float32(value: float) -> float:
    """Rounded as the record will store it, so that "has an area" holds there too."""
    return struct.unpack("f", struct.pack("f", value))[0]
