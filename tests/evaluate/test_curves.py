import numpy as np

from tests.evaluate.sets import detections, truths
from yolo_tf.evaluate.analysis import THRESHOLDS, Curves, class_curves
from yolo_tf.evaluate.matching import match_by_class
from yolo_tf.evaluate.metrics import voc_ap

BOX, FAR = (10, 10, 30, 30), (100, 100, 140, 140)


def curves(truth, found, classes):
    return class_curves(truth, found, match_by_class(truth, found), classes)


def at(row, threshold):
    return row[np.argmin(abs(THRESHOLDS - threshold))]


def test_by_hand():
    truth = truths((0, 0, *BOX), (1, 0, *BOX))
    found = detections((0, 0, *BOX, 0.9), (0, 0, *FAR, 0.6), (1, 0, *BOX, 0.3))
    got = curves(truth, found, 2)
    for threshold, precision, recall in ((0.95, np.nan, 0), (0.9, 1, 0.5), (0.5, 1 / 2, 1 / 2)):
        np.testing.assert_allclose(at(got.precision[0], threshold), precision)
        np.testing.assert_allclose(at(got.recall[0], threshold), recall)
    np.testing.assert_allclose(at(got.f1[0], 0.2), 2 * 2 / (3 + 2))
    assert np.isnan(got.f1[1]).all()  # no truth of this class
    assert 0 < got.threshold() <= 0.3
    np.testing.assert_allclose(got.envelope[0][[0, 50, 51, 100]], [1, 1, 2 / 3, 2 / 3])


def test_the_envelope_has_the_area_of_voc():
    random = np.random.default_rng(0)
    corners = random.uniform(0, 80, [400, 2])
    rows = [(n % 40, n % 3, *c, *(c + 20)) for n, c in enumerate(corners)]
    moved = [
        (*row[:2], *(np.array(row[2:]) + random.normal(0, 3, 4)), random.random()) for row in rows
    ]
    truth, found = truths(*rows), detections(*moved)
    area = voc_ap(truth, found, 3)[:, 1]
    np.testing.assert_allclose(curves(truth, found, 3).envelope.mean(axis=1), area, atol=0.02)


def test_what_lies_in_a_crowd_counts_neither_way():
    truth = truths((0, 0, *BOX), (0, 0, 0, 0, 90, 90), (0, 1, 0, 0, 90, 90), crowd=[1, 2])
    in_it, beside = (0, 0, 60, 60, 80, 80, 0.9), (0, 0, *FAR, 0.9)
    of_another = (1, 0, 60, 60, 80, 80, 0.9)
    for wrong, precision in ((in_it, 1), (beside, 1 / 2), (of_another, 1 / 2)):
        got = curves(truth, detections((0, 0, *BOX, 0.9), wrong), 2)
        np.testing.assert_allclose(at(got.precision[0], 0.5), precision)


def test_nothing_found():
    got = curves(truths((0, 0, *BOX)), detections(), 1)
    assert (got.recall == 0).all()
    assert (got.f1 == 0).all()
    assert np.isnan(got.precision).all()
    assert (got.envelope == 0).all()


def test_the_threshold_lies_on_the_longest_plateau():
    f1 = np.zeros([1, len(THRESHOLDS)])
    f1[0, [20, 100, 101, 102, 103, 104]] = 0.7
    assert Curves(f1, f1, f1, f1).threshold() == THRESHOLDS[102]
