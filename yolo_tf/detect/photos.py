"""What `detect` takes: one photo or several, of any kind, each as an array of its own."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from yolo_tf.detect.inputs import picture_pixels, read_picture
from yolo_tf.errors import UserError

_ENCODED = (bytes, bytearray, memoryview)
_EXPECTED = "a path, the bytes of an image file or an open one, a PIL image, or an array [H, W, 3]"


def as_photos(x) -> tuple[Iterator[np.ndarray], bool]:
    """The photos [H, W, 3], read when they are asked for, and whether they are several.

    None shares its memory with what is given.

    Raises:
      UserError: at once, or from the iterator: what is no photo; of several, with its number.
    """
    if _is_one(x):
        return iter([_read(x, "photo")]), False
    if _is_array(x):
        x = np.asarray(x)
        if x.ndim == 4:
            return (np.array(one) for one in x), True
        return iter([np.array(x)]), False
    if isinstance(x, Iterable):
        return (_read(one, f"photo {n} of the list") for n, one in enumerate(x, start=1)), True
    raise UserError(
        f"photo: found {type(x).__name__}, expected {_EXPECTED}; or several: an array"
        " [B, H, W, 3] or a list of photos"
    )


def checked(photo, name: str = "photo") -> np.ndarray:
    """A photo as uint8 or float32.

    Raises:
      UserError: it is none; the message begins with `name`.
    """
    photo = np.asarray(photo)
    if photo.ndim != 3 or photo.shape[-1] != 3 or 0 in photo.shape:
        raise UserError(f"{name}: found shape {photo.shape}, expected [H, W, 3] (RGB)")
    if photo.dtype == np.uint8:
        return photo
    if photo.dtype.kind != "f":
        raise UserError(f"{name}: found {photo.dtype}, expected uint8 (0..255) or float (0..1)")
    low, high = float(photo.min()), float(photo.max())
    if not (low >= -0.5 and high <= 1.5):  # some resizing overshoots a little
        raise UserError(
            f"{name}: found float values from {low:g} to {high:g}, expected 0 to 1; or give uint8"
        )
    return photo.astype(np.float32)


def _is_one(x) -> bool:
    return isinstance(x, (str, Path, Image.Image, *_ENCODED)) or hasattr(x, "read")


def _is_array(x) -> bool:
    return hasattr(x, "__array__") or hasattr(x, "shape")


def _read(one, name: str) -> np.ndarray:
    if isinstance(one, (str, Path)):
        return read_picture(one)
    if isinstance(one, Image.Image):
        return picture_pixels(one)
    if hasattr(one, "read"):  # an open file
        try:
            one = one.read()
        except (OSError, ValueError) as error:  # closed, open for writing alone, ...
            raise UserError(f"{name}: the open file cannot be read: {error}") from None
    if isinstance(one, _ENCODED):
        return read_picture(io.BytesIO(one), f"{name} ({len(one)} bytes)")
    if not _is_array(one):
        raise UserError(f"{name}: found {type(one).__name__}, expected {_EXPECTED}")
    return checked(np.array(one), name)
