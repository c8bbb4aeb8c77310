import numpy as np
import pytest

from tests.evaluate.sets import detections, truths
from yolo_tf.evaluate.metrics import voc_ap

BOX = (10, 10, 30, 30)
FAR = (100, 100, 140, 140)


def test_perfect_and_empty_classes():
    ap = voc_ap(truths((0, 0, *BOX), (1, 2, *FAR)), detections((0, 0, *BOX, 0.9)), 3)
    np.testing.assert_allclose(ap, [[1, 1], [np.nan, np.nan], [0, 0]])


def test_without_detections_or_truths():
    np.testing.assert_array_equal(voc_ap(truths((0, 0, *BOX)), detections(), 1), [[0, 0]])
    assert np.isnan(voc_ap(truths(), detections((0, 0, *BOX, 0.9)), 2)).all()
    assert np.isnan(voc_ap(truths(), detections(), 2)).all()


def test_second_hit_and_other_image_and_class_are_wrong():
    truth = truths((0, 0, *BOX), (1, 0, *BOX))
    for wrong in ((0, 0, *BOX), (2, 0, *BOX), (0, 0, *FAR)):
        ap = voc_ap(truth, detections((0, 0, *BOX, 0.9), (*wrong, 0.8), (1, 0, *BOX, 0.7)), 1)
        np.testing.assert_allclose(ap[0, 1], (1 + 2 / 3) / 2)
    other_class = voc_ap(truth, detections((0, 1, *BOX, 0.9), (1, 0, *BOX, 0.7)), 2)
    np.testing.assert_allclose(other_class[0, 1], 0.5)


def test_only_the_nearest_truth_counts():
    """A second detection of the nearest truth is wrong, though another truth is near enough."""
    truth = truths((0, 0, 0, 0, 10, 10), (0, 0, 0, 3, 10, 13))
    found = detections((0, 0, 0, 0, 10, 10, 0.9), (0, 0, 0, 1, 10, 11, 0.8))
    np.testing.assert_allclose(voc_ap(truth, found, 1)[0, 1], 0.5)


@pytest.mark.parametrize("flag", ["difficult", "crowd"])
def test_ignored_truths_count_neither_way(flag):
    truth = truths((0, 0, *BOX), (0, 0, *FAR), **{flag: [1]})
    found = detections((0, 0, *FAR, 0.9), (0, 0, *FAR, 0.8), (0, 0, *BOX, 0.7))
    np.testing.assert_allclose(voc_ap(truth, found, 1), [[1, 1]])
    ordinary = voc_ap(truth, found, 1, ignored=np.zeros(2, bool))
    np.testing.assert_allclose(ordinary[0, 1], (1 + 2 / 3) / 2)


def test_threshold_is_exclusive_and_plus_one_widens():
    truth, half = truths((0, 0, 0, 0, 10, 10)), detections((0, 0, 0, 0, 10, 5, 0.9))
    assert voc_ap(truth, half, 1)[0, 1] == 0
    assert voc_ap(truth, half, 1, iou_threshold=0.49)[0, 1] == 1
    assert voc_ap(truth, half, 1, plus_one=True)[0, 1] == 1  # 11 * 6 / 121 > 0.5


def test_eleven_points_at_a_recall_of_exactly_three_tenths():
    truth = truths(*[(image, 0, *BOX) for image in range(10)])
    found = detections(*[(image, 0, *BOX, 0.9 - image / 100) for image in range(3)])
    np.testing.assert_allclose(voc_ap(truth, found, 1), [[4 / 11, 0.3]])
