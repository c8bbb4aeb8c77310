"""Images with one filled rectangle each, in a colour that tells its class."""

import numpy as np
import tensorflow as tf

from tests.data.records import made

# Pure colours on black: every channel is 0 or 255, whatever the image is cut and turned to.
COLOURS = {
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
    "yellow": (1, 1, 0),
    "pink": (1, 0, 1),
    "cyan": (0, 1, 1),
    "white": (1, 1, 1),
}
_NAMES = list(COLOURS)


def write(folder, count: int = 28, sides=(160, 300), seed: int = 0) -> str:
    """Records of images of random sizes, one in seven without a rectangle; returns the pattern."""
    rng = np.random.default_rng(seed)
    serialized = []
    for number in range(count):
        size = rng.integers(*sides, 2)
        pixels = np.zeros((*size, 3), np.uint8)
        boxes, classes = [], []
        if number % 7:
            extent = rng.integers(20, size // 2)
            start = rng.integers(0, size - extent)
            label = number % len(_NAMES)
            end = start + extent
            pixels[start[0] : end[0], start[1] : end[1]] = 255 * np.array(COLOURS[_NAMES[label]])
            boxes, classes = [np.concatenate([start, end]) / np.tile(size, 2)], [label]
        image = tf.io.encode_png(pixels, compression=1).numpy()
        serialized.append(_record(str(number), boxes, classes, tuple(size.tolist()), image))
    return made.write(folder, [serialized])


def _record(name, boxes, classes, size, image):
    return made.record(name, boxes, classes, size, image=image, names=_NAMES)


def names() -> list[str]:
    return list(_NAMES)


def mask(image: np.ndarray, label: int) -> np.ndarray:
    """[H, W] whether a pixel of an image 0..1 has the colour of a class."""
    colour = np.array(list(COLOURS.values())[label], bool)
    return np.all(np.where(colour, image > 0.7, image < 0.3), axis=-1)


def extent(seen: np.ndarray) -> np.ndarray:
    """[4] pixels yxyx around what is true in [H, W]."""
    rows, columns = np.nonzero(seen)
    return np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])


def filled(boxes: np.ndarray, size, margin: float) -> np.ndarray:
    """[H, W] whether a pixel is in one of the boxes [N, 4] (pixels), grown by `margin`."""
    rows, columns = np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5
    hit = np.zeros(size, bool)
    for top, left, bottom, right in boxes + margin * np.array([-1, -1, 1, 1]):
        inside = (columns >= left) & (columns <= right)
        hit |= ((rows >= top) & (rows <= bottom))[:, None] & inside
    return hit
