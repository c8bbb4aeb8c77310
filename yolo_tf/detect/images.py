"""What `detect` takes: one image or several, of any kind, each as an array of its own."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from yolo_tf.detect.inputs import image_pixels, read_image
from yolo_tf.errors import UserError

_ENCODED = (bytes, bytearray, memoryview)
_EXPECTED = "a path, the bytes of an image file or an open one, a PIL image, or an array [H, W, 3]"


def as_images(x) -> tuple[Iterator[np.ndarray], bool]:
    """The images [H, W, 3], read when they are asked for, and whether they are several.

    None shares its memory with what is given.

    Raises:
      UserError: at once, or from the iterator: what is no image; of several, with its number.
    """
    if _is_one(x):
        return iter([_read(x, "image")]), False
    if _is_array(x):
        x = np.asarray(x)
        if x.ndim == 4:
            return (np.array(one) for one in x), True
        return iter([np.array(x)]), False
    if isinstance(x, Iterable):
        return (_read(one, f"image {n} of the list") for n, one in enumerate(x, start=1)), True
    raise UserError(
        f"image: found {type(x).__name__}, expected {_EXPECTED}; or several: an array"
        " [B, H, W, 3] or a list of images"
    )


def checked(image, name: str = "image") -> np.ndarray:
    """An image as uint8 or float32.

    Raises:
      UserError: it is none; the message begins with `name`.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[-1] != 3 or 0 in image.shape:
        raise UserError(f"{name}: found shape {image.shape}, expected [H, W, 3] (RGB)")
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind != "f":
        raise UserError(f"{name}: found {image.dtype}, expected uint8 (0..255) or float (0..1)")
    low, high = float(image.min()), float(image.max())
    if not (low >= -0.5 and high <= 1.5):  # some resizing overshoots a little
        raise UserError(
            f"{name}: found float values from {low:g} to {high:g}, expected 0 to 1; or give uint8"
        )
    return image.astype(np.float32)


def _is_one(x) -> bool:
    return isinstance(x, (str, Path, Image.Image, *_ENCODED)) or hasattr(x, "read")


def _is_array(x) -> bool:
    return hasattr(x, "__array__") or hasattr(x, "shape")


def _read(one, name: str) -> np.ndarray:
    if isinstance(one, (str, Path)):
        return read_image(one)
    if isinstance(one, Image.Image):
        return image_pixels(one)
    if hasattr(one, "read"):  # an open file
        try:
            one = one.read()
        except (OSError, ValueError) as error:  # closed, open for writing alone, ...
            raise UserError(f"{name}: the open file cannot be read: {error}") from None
    if isinstance(one, _ENCODED):
        return read_image(io.BytesIO(one), f"{name} ({len(one)} bytes)")
    if not _is_array(one):
        raise UserError(f"{name}: found {type(one).__name__}, expected {_EXPECTED}")
    return checked(np.array(one), name)
