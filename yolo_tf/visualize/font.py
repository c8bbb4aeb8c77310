"""The letters on pictures."""

import functools
from pathlib import Path

import matplotlib
from PIL import ImageFont


@functools.lru_cache
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib, `size` pixels high.

    Latin, Greek, Cyrillic, Arabic and Hebrew; Pillow's own has no letter that is not English.
    """
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size)
