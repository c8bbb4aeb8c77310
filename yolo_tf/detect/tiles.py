"""Large images in tiles that overlap: objects too small for the network in the whole image.

The manner of SAHI (Akyon et al. 2022, arXiv:2202.06934), with a rule of our own for boxes that a
tile's edge has cut.
"""

import itertools

import numpy as np

from yolo_tf.config import NmsConfig
from yolo_tf.detect.detections import Detections
from yolo_tf.detect.results import Find, find_in_batches

_AT_EDGE = 2.0  # pixels: a box that ends this near to an inner edge of its tile may be cut


def tile_windows(height: int, width: int, side: int, overlap: float) -> np.ndarray:
    """Where the tiles of an image lie.

    Args:
      height, width: of the image, pixels.
      side: of a tile, pixels; a tile is smaller only where the image is.
      overlap: least share of a tile that the next one covers, 0 up to 1.

    Returns:
      [T, 4] int (top, left, bottom, right); together they cover the image.
    """
    step = max(1, int(side * (1 - overlap)))
    starts = [
        sorted({min(start, max(0, length - side)) for start in range(0, length, step)})
        for length in (height, width)
    ]
    return np.array(
        [(y, x, min(y + side, height), min(x + side, width)) for y, x in itertools.product(*starts)]
    )


def make_tiled_finder(
    find: Find, side: int, overlap: float, nms: NmsConfig, batch_size: int
) -> Find:
    """A function like `find` that looks at each image as a whole and at its tiles.

    Args:
      find: see `results.make_finder`.
      side, overlap: see `tile_windows`. An image of no more than a tile is taken as a whole alone.
      nms: its `iou_threshold` and `class_agnostic` also hold between tiles.
      batch_size: tiles detected together.
    """

    def find_one(image):
        height, width = image.shape[:2]
        if max(height, width) <= side:
            return find([image])[0]
        tiles = tile_windows(height, width, side, overlap)
        windows = np.concatenate([[(0, 0, height, width)], tiles])
        crops = ((w, np.ascontiguousarray(image[w[0] : w[2], w[1] : w[3]])) for w in windows)
        found = list(find_in_batches(find, crops, batch_size))
        class_names = found[0][1].class_names
        pixels = np.concatenate([result.pixels() + np.tile(w[:2], 2) for w, result in found])
        scores = np.concatenate([result.scores for _, result in found])
        classes = np.concatenate([result.classes for _, result in found])
        of_box = np.repeat(windows, [len(result.scores) for _, result in found], axis=0)
        cut = _cut(pixels, of_box, height, width)
        groups = np.zeros_like(classes) if nms.class_agnostic else classes
        kept = merge(pixels, scores, groups, cut, nms.iou_threshold)
        boxes = (pixels[kept] / ((height, width) * 2)).astype(np.float32)
        return Detections(image, boxes, scores[kept], classes[kept], class_names)

    return lambda images: [find_one(image) for image in images]


def merge(boxes, scores, classes, cut, iou_threshold: float) -> np.ndarray:
    """Which boxes stay, by falling score.

    Whole boxes go first, then cut ones, each by falling score. A box is dropped when its IoU with
    one of its class that stays is greater than the threshold; a cut one also when so large a
    share of its own area lies in that box, for it is a part of the same object.

    Args:
      boxes: [N, 4] yxyx in any unit; scores, classes, cut: [N].

    Returns:
      Their indices, int.
    """
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1)
    kept = np.zeros(0, np.int64)
    for n in np.lexsort((-scores, cut)):
        rivals = kept[classes[kept] == classes[n]]
        low = np.maximum(boxes[n, :2], boxes[rivals, :2])
        high = np.minimum(boxes[n, 2:], boxes[rivals, 2:])
        common = np.prod(np.maximum(high - low, 0), axis=-1)
        whole = area[n] if cut[n] else area[n] + area[rivals] - common
        if not np.any(common > iou_threshold * whole):
            kept = np.append(kept, n)
    return kept[np.argsort(-scores[kept], kind="stable")]


def _cut(boxes, windows, height: int, width: int) -> np.ndarray:
    """[N] bool: the box ends at an edge of its window that is none of the image."""
    inner = windows != (0, 0, height, width)
    return np.any(inner & (np.abs(boxes - windows) <= _AT_EDGE), axis=-1)
