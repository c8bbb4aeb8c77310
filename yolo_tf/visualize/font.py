"""The letters on pictures."""

import functools
import math
from pathlib import Path

import matplotlib
from PIL import ImageFont

# Of sqrt(height * width): what is legible on a screen, whatever the picture's own size.
_SHARE = 0.022
_LEAST = 10  # pixels


def label_font(height: int, width: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib, in a size for labels on such a picture.

    Latin, Greek, Cyrillic, Arabic and Hebrew; Pillow's own has no letter that is not English.
    """
    return _load(max(_LEAST, round(_SHARE * math.sqrt(height * width))))


@functools.lru_cache
def _load(size: int) -> ImageFont.FreeTypeFont:
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size)
