"""What --input names (images, lists of images, videos, cameras), and an image as pixels."""

import contextlib
import os
import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from yolo_tf.data.checks import DECODE_ERRORS, MAX_PIXELS, MAX_SIDE
from yolo_tf.errors import UserError
from yolo_tf.open_image import FORMATS, TooManyScans, open_image
from yolo_tf.patterns import match, split_patterns
from yolo_tf.text_files import read_text

_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg")
_LIST_ENDING = ".txt"


def is_live(source: str) -> bool:
    """Whether it names a camera, by number or by address such as rtsp://, and no file."""
    return not os.path.exists(source) and (source.isdecimal() or "://" in source)


def without_password(source: str) -> str:
    """An address as it may be shown: rtsp://user:password@host/a -> rtsp://***@host/a."""
    return re.sub(r"(?<=://)[^/]*@", "***@", source)


def find_inputs(source: str) -> tuple[list[Path], list[str]]:
    """The images and the videos that a text names, in its order, each once.

    Args:
      source: an image, a video, a text file with a path a line (relative to its folder), a
        folder (its images), a pattern, or several of these with commas; or a live source.

    Raises:
      UserError: a part names nothing.
    """
    if is_live(source):
        return [], [source]
    paths = dict.fromkeys(path for part in split_patterns(source) for path in _find(part))
    videos = [path for path in paths if path.suffix.lower() in _VIDEO_ENDINGS]
    return [path for path in paths if path not in videos], [str(path) for path in videos]


def _find(source: str) -> list[Path]:
    path = Path(source)
    if os.path.isfile(path):  # not of Path, which raises an error for a name that is too long
        return _read_list(path) if path.suffix.lower() == _LIST_ENDING else [path]
    if source and os.path.isdir(path):
        found = [p for p in path.iterdir() if p.suffix.lower() in _ENDINGS]
        expected = f"no image ({', '.join(_ENDINGS)}) in this folder"
    else:
        found = [Path(p) for p in match(source, recursive=True) if Path(p).is_file()]
        expected = "no such file or folder, and no file matches it as a pattern"
    if not found:
        raise UserError(f"--input={source:.300}: {expected}")
    return sorted(found)


def _read_list(path: Path) -> list[Path]:
    try:
        lines = read_text(path, "a list of images").splitlines()
    except UserError as error:
        raise UserError(f"--input={error}") from None
    found = [path.parent / line.strip() for line in lines if line.strip()]
    if not found:
        raise UserError(f"--input={path}: an empty list, expected the path of an image a line")
    return found


def read_image(path, name: str = "") -> np.ndarray:
    """[H, W, 3] uint8 RGB, turned upright as its EXIF data say.

    16-bit grey is brought to 8 bits by its high byte, as TensorFlow does. Of an animation the
    first image is read. What is transparent shows the colour stored beneath.

    Args:
      path: of the file, or the binary file itself, open.
      name: of an open file, for messages.

    Raises:
      UserError: the file is missing, none of the formats of `open_image`, damaged, too large to
        decode safely, or has 32-bit or float values, whose range is not known.
    """
    if not name:
        name = f"{path!s:.300}"
        if not os.path.isfile(path):  # not of Path, which raises an error for a name too long
            found = "a folder" if os.path.isdir(path) else "nothing"
            raise UserError(f"{name}: found {found}, expected an image file")
    with _readable(name), open_image(path) as image:
        return _pixels(image, name)


def image_pixels(image: Image.Image) -> np.ndarray:
    """A PIL image as `read_image` gives a file."""
    name = getattr(image, "filename", "") or "PIL image"
    if image.format in _STARTS_PROGRAMS:
        raise UserError(f"{name}: found {image.format}, which another program would draw")
    with _readable(name):
        return _pixels(image, name)


@contextlib.contextmanager
def _readable(name):
    """What Pillow raises as a `UserError` that names the image."""
    try:
        with warnings.catch_warnings():
            # Remarks on EXIF data and on sizes, which are checked below.
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError:
        raise UserError(f"{name}: found a giant image, expected {_LIMIT}") from None
    except UnidentifiedImageError:
        raise UserError(f"{name}: not an image, expected one of {', '.join(FORMATS)}") from None
    except TooManyScans as error:
        raise UserError(f"{name}: {error}") from None
    except UserError:
        raise
    except DECODE_ERRORS as error:
        raise UserError(f"{name}: damaged image: {error}") from None


_STARTS_PROGRAMS = ("EPS",)
_LIMIT = f"at most {MAX_SIDE:,} pixels a side and {MAX_PIXELS:,} in all"


def _pixels(image: Image.Image, name) -> np.ndarray:
    width, height = image.size  # from the header: nothing is decoded yet
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise UserError(f"{name}: found {width} x {height} pixels, expected {_LIMIT}")
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("I;16", "I;16B", "I;16L") or (
        upright.mode == "I" and image.format == "PNG"  # older Pillow's mode for 16 bits
    ):
        grey = (np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(grey[..., np.newaxis], 3, axis=-1)
    if upright.mode in ("I", "F"):
        kind = "float" if upright.mode == "F" else "32-bit"
        raise UserError(f"{name}: found {kind} values, expected an image of 8 or 16 bits")
    return np.asarray(upright.convert("RGB"))
