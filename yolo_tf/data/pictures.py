"""Single pictures from the disk, for detection."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from yolo_tf.data.checks import MAX_PIXELS, MAX_SIDE
from yolo_tf.errors import UserError


def read_picture(path: Path) -> np.ndarray:
    """[H, W, 3] uint8 RGB, turned upright as its EXIF data say.

    Raises:
      UserError: the file is missing, no picture, damaged, or too large to decode safely.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size  # from the header: nothing is decoded yet
            if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
                raise UserError(
                    f"{path}: found {width}x{height} pixels, expected at most {MAX_SIDE:,} a side"
                    f" and {MAX_PIXELS:,} in all"
                )
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except UnidentifiedImageError:
        raise UserError(f"{path}: not a picture that Pillow can read") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: damaged picture: {error}") from None
