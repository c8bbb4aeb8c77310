"""Assignment on boxes whose answer is known by hand."""

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.config import AssignConfig
from yolo_tf.heads.yolo import assign

ANCHORS = {8: np.array([[8.0, 8], [16, 16]]), 16: np.array([[32.0, 32], [64, 64]])}
SIZE = (64, 96)  # not square
GRIDS = {8: (8, 12), 16: (4, 6)}


def encode(boxes, classes, config, scale_xy=1.0):
    boxes = tf.constant(boxes, tf.float32)[None]
    anchors = {s: a.astype(np.float32) for s, a in ANCHORS.items()}
    return assign.encode(
        boxes,
        tf.constant([classes], tf.int32),
        anchors,
        GRIDS,
        dict.fromkeys(ANCHORS, scale_xy),
        SIZE,
        config,
    )


def positives(targets, stride):
    """{(box, row, col, anchor)} of the one image."""
    level = targets["levels"][stride]
    found = np.argwhere(level["matches"][0].numpy())
    return {(b, *level["cells"][0, b, s].numpy(), a) for b, s, a in found}


def box(cy, cx, height, width):
    """yxyx normalised from pixels."""
    corners = np.array([cy - height / 2, cx - width / 2, cy + height / 2, cx + width / 2])
    return corners / [*SIZE, *SIZE]


def test_best_anchor_alone():
    targets = encode([box(20, 50, 16, 17)], [3], AssignConfig(extra_matches=False))
    assert positives(targets, 8) == {(0, 2, 6, 1)}
    assert positives(targets, 16) == set()


def test_extra_matches_reach_other_levels():
    config = AssignConfig(threshold=0.2, extra_matches=True)
    targets = encode([box(20, 50, 16, 16)], [0], config)
    # IoU of sizes: 0.25 with 8x8, 1 with 16x16, 0.25 with 32x32.
    assert positives(targets, 8) == {(0, 2, 6, 0), (0, 2, 6, 1)}
    assert positives(targets, 16) == {(0, 1, 3, 0)}


def test_required_threshold_may_match_nothing():
    far = [box(32, 48, 64, 3)]
    required = AssignConfig(threshold=0.9, require_threshold=True)
    forced = AssignConfig(threshold=0.9)
    assert not any(positives(encode(far, [0], required), s) for s in ANCHORS)
    assert sum(len(positives(encode(far, [0], forced), s)) for s in ANCHORS) == 1


def test_best_policy_takes_the_first_of_equal_anchors():
    # IoU of sizes 0.5 with 16x16 and with 32x32.
    side = np.sqrt(512)
    targets = encode([box(20, 50, side, side)], [0], AssignConfig(policy="best"))
    assert positives(targets, 8) == {(0, 2, 6, 1)}
    assert positives(targets, 16) == set()


@pytest.mark.parametrize("centre", [(0, 0), (64, 96), (64, 0)])
def test_centre_on_the_border_stays_in_the_grid(centre):
    targets = encode([box(*centre, 16, 16)], [0], AssignConfig(extra_matches=False))
    ((_, row, col, _),) = positives(targets, 8)
    assert (row, col) == (min(centre[0] // 8, 7), min(centre[1] // 8, 11))


def test_neighbour_cells_near_a_border_of_the_cell():
    config = AssignConfig(extra_matches=False, neighbour_cells=True)
    # Cell (2, 6), 1 px right of its left border and 1 px above its lower one.
    targets = encode([box(23, 49, 16, 16)], [0], config, scale_xy=2.0)
    assert positives(targets, 8) == {(0, 2, 6, 1), (0, 2, 5, 1), (0, 3, 6, 1)}


def test_padding_and_boxes_without_area_match_nothing():
    boxes = [box(20, 50, 16, 16), box(20, 50, 0, 16), [0, 0, 0, 0], box(40, 20, 16, 16)]
    targets = encode(boxes, [1, 1, -1, -1], AssignConfig())
    assert {p[0] for s in ANCHORS for p in positives(targets, s)} == {0}
    np.testing.assert_array_equal(targets["classes"][0], [1, -1, -1, -1])
    np.testing.assert_array_equal(targets["boxes"][0, 1:], np.zeros([3, 4]))


def test_no_boxes_at_all():
    targets = encode(np.zeros([0, 4]), [], AssignConfig())
    assert targets["levels"][8]["matches"].shape == (1, 0, 1, 2)


def test_cell_iou_takes_every_anchor_above_the_threshold():
    config = AssignConfig(policy="cell_iou", threshold=0.3)
    # In the middle of cell (2, 6) of stride 8; 4 px off on both axes in its cell of stride 16.
    targets = encode([box(20, 52, 20, 20)], [0], config)
    # 8x8: 64 / 400. 16x16: 256 / 400. 32x32: 400 / 1024. 64x64: 400 / 4096.
    assert positives(targets, 8) == {(0, 2, 6, 1)}
    assert positives(targets, 16) == {(0, 1, 3, 0)}
    targets = encode([box(20, 52, 16, 16)], [0], config)
    # 8x8: 64 / 256. 16x16: 1. 32x32: 256 / 1024.
    assert positives(targets, 8) == {(0, 2, 6, 1)}
    assert positives(targets, 16) == set()


def test_cell_iou_depends_on_the_place_in_the_cell():
    config = AssignConfig(policy="cell_iou", threshold=0.3)
    middle = encode([box(20, 52, 8, 8)], [0], config)
    corner = encode([box(16.1, 48.1, 8, 8)], [0], config)
    assert (0, 2, 6, 0) in positives(middle, 8)
    # 3.9 px off on both axes: 4.1^2 / (128 - 4.1^2) = 0.15; the whole box in 16x16: 64 / 256.
    assert positives(corner, 8) == {(0, 2, 6, 1)}


def test_cell_iou_of_a_box_unlike_all_anchors_takes_the_best_alone():
    config = AssignConfig(policy="cell_iou", threshold=0.3)
    targets = encode([box(32, 48, 64, 3)], [0], config)
    assert sum(len(positives(targets, s)) for s in ANCHORS) == 1
    assert not any(positives(encode(np.zeros([1, 4]), [-1], config), s) for s in ANCHORS)


@pytest.mark.parametrize("centre", [(0, 0), (64, 96), (64, 0)])
def test_cell_iou_on_the_border_of_the_grid(centre):
    config = AssignConfig(policy="cell_iou", threshold=0.3)
    found = positives(encode([box(*centre, 16, 16)], [0], config), 8)
    assert {p[:3] for p in found} == {(0, min(centre[0] // 8, 7), min(centre[1] // 8, 11))}
