import numpy as np

from tests.analysis.made import NAMES, facts
from yolo_tf.analysis.duplicates import double_boxes

BOX = [0.2, 0.2, 0.6, 0.6]
NEAR = [0.21, 0.2, 0.61, 0.6]  # IoU 0.95
LESS = [0.25, 0.2, 0.65, 0.6]  # IoU 0.78


def kinds(*arguments, **settings):
    return [f.kind for f in double_boxes(facts("a", *arguments, **settings), NAMES)]


def test_one_object_twice():
    (found,) = double_boxes(facts("a", [BOX, [0, 0, 0.1, 0.1], NEAR], [1, 1, 1]), NAMES)
    assert found.kind == "same_box"
    assert found.place == "train.tfrecord: record a, object 3"
    earlier = "green at 40, 20, 120, 60 (record a, object 1)"
    assert found.detail == f"green at 40, 21, 120, 61, and {earlier}: IoU 0.95"
    np.testing.assert_allclose(found.box, NEAR, atol=1e-6)


def test_one_object_in_two_classes():
    assert kinds([BOX, NEAR], [0, 2]) == ["two_classes"]


def test_what_is_no_repetition():
    assert kinds([BOX, LESS]) == []
    assert kinds([BOX, LESS], [0, 1]) == []
    assert kinds([BOX]) == []
    assert kinds([]) == []
    assert kinds([BOX, BOX], crowd=[False, True]) == []


def test_three_boxes_of_one_object_are_two_too_many():
    assert kinds([BOX, NEAR, BOX]) == ["same_box", "same_box"]
