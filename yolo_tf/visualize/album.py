"""Images with many boxes, of which those have a label that have room for it."""

import io

import numpy as np
from PIL import Image, ImageDraw

from yolo_tf.open_image import open_image
from yolo_tf.visualize.draw import draw_detections, label_font, mosaic, write_image

_LONGEST = 480  # pixels of an image on the sheet; small ones are enlarged
_LINE = 16  # pixels: about the height of a label
_PLAIN = (110, 110, 110)  # colour of boxes without a label


def draw_album(pages, names: list[str], path) -> None:
    """Draws images with boxes side by side.

    Args:
      pages: (encoded image, boxes [N, 4] yxyx normalised, labels [N], boxes [M, 4] to be drawn
        thin and grey) each; at least one.
      names: what label 0, 1, ... is called.
      path: the PNG file.
    """
    images = [
        draw_labelled(_decoded(data), boxes, labels, None, names, others)
        for data, boxes, labels, others in pages
    ]
    write_image(path, mosaic(images, largest=_LONGEST))


def draw_labelled(pixels, boxes, labels, scores, names: list[str], others) -> np.ndarray:
    """A copy of an image with its boxes and the labels that have room.

    Where labels would cover each other the larger box has its own; the colour tells the class of
    the others.

    Args:
      image, boxes, labels, scores, names: as in `draw.draw_detections`.
      others: [M, 4] yxyx normalised, boxes to be drawn thin and grey.
    """
    pixels = draw_detections(_outlined(pixels, others), boxes, labels, None, [""] * len(names))
    ends = [""] * len(labels) if scores is None else [f" {score:.2f}" for score in scores]
    texts = [names[label] + end for label, end in zip(labels, ends, strict=True)]
    named = _named(boxes, texts, pixels.shape[:2])
    shown = None if scores is None else scores[named]
    return draw_detections(pixels, boxes[named], labels[named], shown, names)


def _decoded(data: bytes) -> np.ndarray:
    with open_image(io.BytesIO(data)) as image:
        scale = min(_LONGEST / max(image.size), 4)
        size = tuple(max(1, round(side * scale)) for side in image.size)
        image.draft("RGB", size)  # a JPEG more than twice as large: decoded smaller, faster
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR))


def _outlined(pixels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    for ymin, xmin, ymax, xmax in boxes * (pixels.shape[:2] * 2):
        pen.rectangle((xmin, ymin, xmax, ymax), outline=_PLAIN)
    return np.asarray(image)


def _named(boxes: np.ndarray, texts: list[str], size: tuple[int, int]) -> list[int]:
    """The rows whose labels have room, larger boxes first."""
    font = label_font(*size)
    corners = boxes[:, :2] * size
    taken, kept = [], []
    for row in np.argsort(-(boxes[:, 2:] - boxes[:, :2]).prod(axis=1), kind="stable").tolist():
        width = font.getlength(texts[row]) + 4
        left = min(corners[row, 1], size[1] - width)
        top = max(corners[row, 0] - _LINE, 0)
        if all(
            left >= right or left + width <= x or abs(top - y) >= _LINE for x, y, right in taken
        ):
            taken.append((left, top, left + width))
            kept.append(row)
    return kept
