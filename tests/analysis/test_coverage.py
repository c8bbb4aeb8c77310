import numpy as np

from tests.small import small_config
from yolo_tf.analysis.coverage import coverage
from yolo_tf.config import SsdHeadConfig, TalHeadConfig, YoloxHeadConfig
from yolo_tf.detector.build import build_head

BOX = [0.1, 0.1, 0.25, 0.2]
NONE = [0.0] * 4


def yolo(**assign):
    config = small_config()
    for name, value in assign.items():
        setattr(config.head.assign, name, value)
    return coverage(build_head(config, 3))


def test_a_box_alone_is_covered_and_padding_is_nothing():
    lost = yolo()(np.array([[BOX, NONE]], np.float32), np.array([[1, -1]], np.int32))
    assert not lost["unmatched"].any()
    assert not lost["shared"].any()


def test_of_two_boxes_in_a_slot_the_later_one_stays():
    boxes = np.array([[BOX, BOX, [0.6, 0.6, 0.9, 0.9]], [BOX, NONE, NONE]], np.float32)
    classes = np.array([[1, 2, 0], [1, -1, -1]], np.int32)
    lost = yolo()(boxes, classes)
    assert lost["shared"].tolist() == [[True, False, False], [False] * 3]
    assert not lost["unmatched"].any()


def test_another_anchor_of_the_cell_is_another_slot():
    small, large = [0.45, 0.45, 0.55, 0.55], [0.1, 0.1, 0.9, 0.9]
    boxes, classes = np.array([[small, large]], np.float32), np.array([[0, 0]], np.int32)
    assert not yolo(extra_matches=False)(boxes, classes)["shared"].any()


def test_a_box_that_fits_no_anchor():
    tiny = [0.5, 0.5, 0.51, 0.51]
    boxes, classes = np.array([[tiny, BOX]], np.float32), np.array([[0, 0]], np.int32)
    lost = yolo(require_threshold=True)(boxes, classes)
    assert lost["unmatched"].tolist() == [[True, False]]
    assert not yolo()(boxes, classes)["unmatched"].any()


def test_ssd_leaves_out_a_box_that_touches_no_free_prior():
    config = small_config()
    config.head = SsdHeadConfig(aspect_ratios={16: (1.0,), 32: (1.0,)}, scales=(0.2, 0.4, 0.6))
    cover = coverage(build_head(config, 3))
    boxes = np.array([[BOX, [2.0, 2.0, 2.1, 2.1], NONE]], np.float32)
    lost = cover(boxes, np.array([[0, 0, -1]], np.int32))
    assert lost["unmatched"].tolist() == [[False, True, False]]
    assert not lost["shared"].any()


def test_a_head_that_matches_by_predictions_cannot_tell():
    config = small_config()
    config.head = YoloxHeadConfig(strides=(16, 32))
    assert coverage(build_head(config, 3)) is None


def test_the_task_aligned_head_leaves_out_a_box_between_its_points():
    """At 64 x 96 with a stride of 16 the points lie at 8, 24, ... pixels."""
    config = small_config()
    config.head = TalHeadConfig(strides=(16, 32))
    between = [10 / 64, 10 / 96, 15 / 64, 40 / 96]  # its rows are those between two points
    around = [7 / 64, 7 / 96, 9 / 64, 9 / 96]
    boxes = np.array([[around, between, NONE]], np.float32)
    classes = np.array([[0, 0, -1]], np.int32)
    lost = coverage(build_head(config, 3))(boxes, classes)
    assert {name: found.tolist() for name, found in lost.items()} == {
        "between_points": [[False, True, False]]
    }
    config.head.assign.min_side = 16.0
    assert not coverage(build_head(config, 3))(boxes, classes)["between_points"].any()
