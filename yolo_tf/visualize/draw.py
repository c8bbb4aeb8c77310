"""Boxes and labels on images, and several images on one sheet."""

import colorsys
import functools
import io
import math
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from yolo_tf.files import write_bytes

_LINE_WIDTH = 0.003  # of sqrt(height * width)
_TONES = ((0.9, 1.0), (0.5, 1.0), (1.0, 0.6), (0.5, 0.7), (0.3, 0.9))  # saturation, value
_GREY = 128


def draw_detections(
    image: np.ndarray,
    boxes: np.ndarray,
    classes: np.ndarray,
    scores: np.ndarray | None,
    class_names: list[str],
) -> np.ndarray:
    """A copy of an image with its boxes, each with class name and score.

    Args:
      image: [H, W, 3] uint8 RGB, any size.
      boxes: [N, 4] yxyx normalised to the image; parts beyond it are cut off.
      classes: [N] int; rows of class -1 (padding) and rows that are not finite are left out.
      scores: [N] 0..1, or None for true boxes.
      class_names: name of each class; a class without a name shows its number.

    Returns:
      [H, W, 3] uint8.
    """
    canvas = Image.fromarray(np.ascontiguousarray(image))
    pen = ImageDraw.Draw(canvas)
    side = math.sqrt(canvas.width * canvas.height)
    font = label_font(canvas.height, canvas.width)
    line = max(1, round(_LINE_WIDTH * side))
    boxes, classes = np.asarray(boxes, np.float64).reshape(-1, 4), np.asarray(classes)
    shown = np.flatnonzero((classes >= 0) & np.isfinite(boxes).all(axis=1))
    corners = [(n, _pixels(boxes[n], canvas.size)) for n in shown]
    # Large ones first, and all labels last: small boxes and labels stay in sight.
    corners.sort(key=lambda item: -np.prod(np.subtract(item[1][2:], item[1][:2])))
    for n, box in corners:
        pen.rectangle(box, outline=class_colour(int(classes[n])), width=line)
    plates = []
    for n, box in corners:
        label = int(classes[n])
        name = class_names[label] if label < len(class_names) else str(label)
        score = "" if scores is None else f" {scores[n]:.2f}"
        _write_label(pen, canvas.size, box, name, score, class_colour(label), font, plates)
    return np.asarray(canvas)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """An image of floats in [0, 1] as bytes."""
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)


def class_colour(label: int) -> tuple[int, int, int]:
    """RGB of a class, always the same; few classes differ most, 80 still differ visibly."""
    # The step was the best of several irrational ones by the least CIELAB distance of 8, 20 and
    # 80 colours; the tone changes every sixth class.
    saturation, value = _TONES[label // 6 % len(_TONES)]
    rgb = colorsys.hsv_to_rgb(label * 0.5698403 % 1, saturation, value)
    return tuple(round(255 * part) for part in rgb)


def mosaic(images: list[np.ndarray], columns: int | None = None, largest: int = 640) -> np.ndarray:
    """Images of any sizes side by side on a grey sheet.

    Args:
      images: at least one [H, W, 3] uint8.
      columns: images a row; default: as many columns as rows, about.
      largest: pixels; an image with a longer side is scaled down to it.

    Returns:
      [H, W, 3] uint8.
    """
    if not images:
        raise ValueError("mosaic: found no images, expected at least one")
    columns = min(columns or math.ceil(math.sqrt(len(images))), len(images))
    tiles = [Image.fromarray(np.ascontiguousarray(image)) for image in images]
    for tile in tiles:
        tile.thumbnail((largest, largest))
    gap = 4
    width, height = (gap + max(tile.size[axis] for tile in tiles) for axis in (0, 1))
    rows = math.ceil(len(tiles) / columns)
    sheet = Image.new("RGB", (gap + columns * width, gap + rows * height), (_GREY,) * 3)
    for n, tile in enumerate(tiles):
        sheet.paste(tile, (gap + n % columns * width, gap + n // columns * height))
    return np.asarray(sheet)


def encode_image(image: np.ndarray) -> bytes:
    """[H, W, 3] uint8 as a JPEG file."""
    return _encoded(image, "JPEG", quality=85)


def write_image(path, image: np.ndarray) -> None:
    """Writes [H, W, 3] uint8 as the JPEG or PNG that the name's ending says, whole or not at all.

    Raises:
      ValueError: the name ends in neither .jpg, .jpeg nor .png.
    """
    path = Path(path)
    kind = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}.get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"{path}: expected a name that ends in .jpg, .jpeg or .png")
    write_bytes(path, _encoded(image, kind, quality=92))


def _encoded(image: np.ndarray, kind: str, quality: int) -> bytes:
    # In memory: Pillow's JPEG encoder writes to a full disk without a word.
    file = io.BytesIO()
    Image.fromarray(image).save(file, format=kind, quality=quality)
    return file.getvalue()


def _pixels(box: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """First and last pixel (left, top, right, bottom) of a normalised yxyx box."""
    width, height = size
    ymin, xmin, ymax, xmax = np.clip(box, 0, 1) * (height, width, height, width)
    left, top = min(round(xmin), width - 1), min(round(ymin), height - 1)
    return left, top, max(left, round(xmax) - 1), max(top, round(ymax) - 1)


def _write_label(pen, size, box, name, score, colour, font, plates: list) -> None:
    """Text on a plate at the box, where none of the other `plates` is, if there is such a place.

    A name too long for the image is shortened; an image too small for text gets none.
    """
    pad = max(1, round(font.size / 8))
    height = sum(font.getmetrics()) + 2 * pad
    room = size[0] - 2 * pad
    text = name + score
    while name and pen.textlength(text, font=font) > room:
        name = name[:-1]
        text = f"{name}…{score}"
    if not name or 2 * height > size[1]:
        return
    width = math.ceil(pen.textlength(text, font=font)) + 2 * pad
    plate = _free_place(box, (width, height), size, plates)
    plates.append(plate)
    left, top = plate[:2]
    pen.rectangle(plate, fill=colour)
    bright = np.dot(colour, (0.299, 0.587, 0.114)) > 140
    pen.text((left + pad, top + pad), text, fill="black" if bright else "white", font=font)


def _free_place(box, extent, size, plates: list) -> tuple[int, int, int, int]:
    """First and last pixel of a plate: above the box, or inside at its top or bottom, or below."""
    width, height = extent
    left = min(box[0], size[0] - width)
    tops = (box[1] - height, box[1], box[3] + 1 - height, box[3] + 1)
    inside = [top for top in tops if 0 <= top <= size[1] - height] or [size[1] - height]
    places = [(left, top, left + width - 1, top + height - 1) for top in inside]
    return next((place for place in places if not any(_meet(place, p) for p in plates)), places[0])


def _meet(a, b) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


# Of sqrt(height * width): what is legible on a screen, whatever the image's own size.
_SHARE = 0.022
_LEAST = 10  # pixels


def label_font(height: int, width: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib, in a size for labels on such an image.

    Latin, Greek, Cyrillic, Arabic and Hebrew; Pillow's own has no letter that is not English.
    """
    return _load(max(_LEAST, round(_SHARE * math.sqrt(height * width))))


@functools.lru_cache
def _load(size: int) -> ImageFont.FreeTypeFont:
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size)
