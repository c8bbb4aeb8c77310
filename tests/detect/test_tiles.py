"""Large images in tiles."""

import numpy as np
import pytest

from yolo_tf.config import NmsConfig
from yolo_tf.detect.detections import Detections
from yolo_tf.detect.tiles import make_tiled_finder, merge, tile_windows


@pytest.mark.parametrize(
    ("height", "width", "side", "overlap"),
    [(200, 300, 100, 0.2), (99, 100, 100, 0.2), (40, 1000, 100, 0.5), (101, 101, 100, 0.0)],
)
def test_tiles_cover_the_image_and_overlap(height, width, side, overlap):
    windows = tile_windows(height, width, side, overlap)
    covered = np.zeros((height, width), int)
    for top, left, bottom, right in windows:
        assert (bottom - top, right - left) == (min(side, height), min(side, width))
        covered[top:bottom, left:right] += 1
    assert covered.min() == 1
    assert len(np.unique(windows, axis=0)) == len(windows)
    starts = np.unique(windows[:, 1])
    assert np.all(np.diff(starts) <= side * (1 - overlap))


def find_colours(photos):
    """A box around each colour, best where it is cut; in large images nothing but colour 4."""
    results = []
    for photo in photos:
        colours = [c for c in np.unique(photo) if c and (max(photo.shape) <= 100 or c == 4)]
        boxes, scores = [], []
        for colour in colours:
            ys, xs = np.nonzero(photo[..., 0] == colour)
            box = (ys.min(), xs.min(), ys.max() + 1, xs.max() + 1)
            boxes.append(np.divide(box, photo.shape[:2] * 2))
            scores.append(1 / np.sqrt(len(ys)))
        order = np.argsort(scores)[::-1]
        boxes = np.reshape(boxes, (-1, 4)).astype(np.float32)
        results.append(
            Detections(
                photo, boxes[order], np.array(scores)[order], np.array(colours, int)[order], "01234"
            )
        )
    return results


@pytest.mark.parametrize("batch_size", [1, 4])
def test_small_objects_are_found_once_and_whole(batch_size):
    photo = np.zeros((200, 300, 3), np.uint8)
    # In a corner, across an edge of tiles, across a corner of tiles, and larger than any tile.
    true = {1: (0, 0, 9, 15), 2: (30, 85, 45, 99), 3: (85, 165, 100, 180), 4: (110, 20, 190, 290)}
    for colour, (top, left, bottom, right) in true.items():
        photo[top:bottom, left:right] = colour
    find = make_tiled_finder(find_colours, 100, 0.2, NmsConfig(), batch_size)
    first, second = find([photo, photo[:50, :90]])
    found = {int(c): box for c, box in zip(first.classes, first.pixels(), strict=True)}
    assert sorted(first.classes) == [1, 2, 3, 4]
    for colour, box in true.items():
        np.testing.assert_allclose(found[colour], box, atol=1e-3)
    assert np.all(np.diff(first.scores) <= 0)
    assert sorted(second.classes) == [1, 2]  # no larger than a tile
    (nothing,) = find([np.zeros((150, 150, 3), np.uint8)])
    assert nothing.boxes.shape == (0, 4)


def test_merging_keeps_other_classes_and_neighbours():
    boxes = np.array([[0, 0, 10, 10], [0, 1, 10, 10], [0, 1, 10, 10], [0, 5, 10, 15]], float)
    scores, classes = np.array([0.5, 0.9, 0.8, 0.3]), np.array([0, 0, 1, 0])
    whole = np.zeros(4, bool)
    assert merge(boxes, scores, classes, whole, 0.6).tolist() == [1, 2, 3]
    # The better one is cut, so the whole one stays.
    assert merge(boxes, scores, classes, np.array([0, 1, 0, 0], bool), 0.6).tolist() == [2, 0, 3]
