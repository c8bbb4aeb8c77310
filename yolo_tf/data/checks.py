"""Validation of records and boxes, before anything reaches a TFRecord. `data.images`: of pixels.

Pure Python: worker processes run this without loading TensorFlow. An image that cannot be used
raises `BadRecord`; what concerns a single box, or was mended, comes back as an `Issue`.
"""

import math
import os
import stat
import struct
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

MAX_SIDE = 20_000  # pixels
MAX_PIXELS = 100_000_000
MAX_FILE_BYTES = 256 * 1024 * 1024
# A box may reach this far out of its image and is cut back: tools round to whole pixels and
# disagree on where counting starts. Farther out, the coordinates mean something else.
OVERFLOW_PIXELS = 2.0
OVERFLOW_SHARE = 0.02
ROUNDING_PIXELS = 0.05  # so far out is the last digit of a decimal number, not worth a line

IMAGE_SKIPPED = "image skipped"
BOX_SKIPPED = "box skipped"
EMPTY_BOX_SKIPPED = "empty box skipped"
BOX_CLIPPED = "box clipped"
SIZE_CORRECTED = "declared size replaced"
IMAGE_CONVERTED = "image converted to RGB PNG"
IMAGE_TURNED = "image turned upright"
EXIF_DROPPED = "EXIF orientation dropped"
NAME_IGNORED = "filename ignored"
UNLABELLED = "image without a label file"
POLYGONS_BOXED = "polygons replaced by their boxes"
NOT_ANNOTATED = "images without annotation left out"
IGNORED = "ignore region left out"
CLASS_LEFT_OUT = "category left out"
NOT_LISTED = "images of no split left out"
OTHER_CLASS = "boxes of other classes left out"
# These stop a build unless --skip_bad is given; the others are always counted and listed.
FATAL = (IMAGE_SKIPPED, BOX_SKIPPED)
SKIPPED = (*FATAL, EMPTY_BOX_SKIPPED)  # what is not in the records


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
        file = self.file if len(self.file) <= 300 else f"{self.file[:297]}..."
        text = f"{file}: {self.field}: found {self.found}, expected {self.expected}"
        return "".join(
            c if c.isprintable() else "?" for c in text
        )  # one line, whatever a file says

    @property
    def fatal(self) -> bool:
        return self.action in FATAL

    def to_dict(self) -> dict:
        return {key: printable(value) for key, value in asdict(self).items()}


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


# What Pillow's decoders raise on corrupt data, besides its own OSErrors.
DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


def show(value) -> str:
    """A found value for a message: one line, printable, not endless."""
    text = repr(value) if isinstance(value, str) else ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."


def printable(text: str) -> str:
    """A file's name as text that UTF-8 has: bytes that are none, as of Latin-1, become \\xe9."""
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        data = (
            text.encode("utf-8", "surrogateescape")
            if _from_system(text)
            else text.encode("utf-8", "backslashreplace")
        )
        return data.decode("utf-8", "backslashreplace")


def _from_system(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" and not "\udc80" <= c <= "\udcff" for c in text)


def number(value) -> float:
    """`value` as a float; NaN for what is not a finite number. Takes text and JSON numbers."""
    if type(value) not in (str, int, float):  # bool is none of them
        return math.nan
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return result if math.isfinite(result) else math.nan


def safe_path(folder: Path, name: str, record: str, file: str, field: str) -> Path:
    """`folder / name` as it is written; `BadRecord` if that leaves `folder`.

    What lies in the folder may be a symbolic link to another place, as those of git-annex and DVC
    are: whoever made the folder chose that. A path that an annotation says may not choose.
    """
    # ".." is taken out here: behind a link to a folder the system would take it elsewhere.
    inside = os.path.normpath(name) if name else "."
    leaves = os.path.isabs(inside) or inside.split(os.sep)[0] in ("..", ".")
    # A backslash is a separator on Windows only; refused everywhere, so that a data set which
    # builds here builds there.
    if leaves or "\\" in name or not _is_possible(inside):
        raise BadRecord(record, file, field, show(name), f"a path inside {folder.name}/")
    return folder / inside


def _is_possible(path: str) -> bool:
    """Whether a system can have such a path at all."""
    try:
        parts = os.fsencode(path).split(b"/")
    except ValueError:  # characters that no file name has
        return False
    return "\0" not in path and len(path) < 4000 and max(map(len, parts)) <= 255


def read_file(path: Path, record: str, file: str, field: str) -> bytes:
    """The bytes of a regular file of bounded size; `BadRecord` otherwise."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device or pipe"
            raise BadRecord(record, file, field, kind, "a file")
        size = found.st_size
        if size > MAX_FILE_BYTES:
            raise BadRecord(record, file, field, f"{size} bytes", f"at most {MAX_FILE_BYTES} bytes")
        return path.read_bytes()
    except FileNotFoundError:
        raise BadRecord(record, file, field, "no such file", "a file") from None
    except OSError as error:
        found = error.strerror or "an unreadable file"
        raise BadRecord(record, file, field, found, "a readable file") from None


def check_size(
    declared, image: EncodedImage, record: str, file: str, field: str = "size"
) -> list[Issue]:
    """Compares the size an annotation declares, (height, width) of anything, with the image's.

    The image's own size counts. A swapped size is refused: the boxes were drawn on a turned view.
    """
    if tuple(number(v) for v in declared) == (image.height, image.width):
        return []
    found = " x ".join(show(v) if v is not None else "nothing" for v in reversed(declared))
    expected = f"{image.width} x {image.height}, the image's own"
    if tuple(number(v) for v in declared) == (image.width, image.height):
        raise BadRecord(
            record, file, field, f"{found} (swapped)", f"{expected}; turn the image or its boxes"
        )
    return [Issue(record, file, field, found, expected, SIZE_CORRECTED)]


def check_box(corners, text: str, height: int, width: int):
    """Checks (xmin, ymin, xmax, ymax) in pixels against an image.

    Args:
      text: the coordinates as the annotation writes them, for the message.

    Returns:
      (ymin, xmin, ymax, xmax) normalised to [0, 1], or None for a box that cannot be used; and
      None, or (action, found, expected) when the box was dropped or clipped.
    """
    xmin, ymin, xmax, ymax = corners
    if 0 <= xmin < xmax <= width and 0 <= ymin < ymax <= height:  # as nearly all are
        box = _float32s(ymin / height, xmin / width, ymax / height, xmax / width)
        if box[0] < box[2] and box[1] < box[3]:
            return box, None
    found = ", ".join(f"{v:g}" for v in corners)
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
    box = _float32s(*(min(max(v, 0.0), 1.0) for v in box))
    if box[2] <= box[0] or box[3] <= box[1]:
        return None, (EMPTY_BOX_SKIPPED, f"{found} (no area in the image)", inside)
    clipped = max(over_x, over_y) > ROUNDING_PIXELS
    return box, (BOX_CLIPPED, found, inside) if clipped else None


_FLOATS = struct.Struct("4f")


def _float32s(*values: float) -> tuple:
    """Rounded as the record will store them, so that "has an area" holds there too."""
    return _FLOATS.unpack(_FLOATS.pack(*values))
