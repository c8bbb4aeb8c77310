import sys

import numpy as np
import pytest

from tests.evaluate.sets import detections, truths
from yolo_tf.errors import UserError
from yolo_tf.evaluate.coco import FIGURES, coco_metrics

BOX = (10, 10, 50, 50)  # medium
FAR = (100, 100, 300, 300)  # large


def test_perfect_detections():
    truth = truths((0, 0, *BOX), (1, 2, *FAR))
    figures, per_class = coco_metrics(
        truth, detections((0, 0, *BOX, 0.9), (1, 2, *FAR, 0.8)), images=2, classes=3
    )
    assert tuple(figures) == FIGURES
    without_small = {name: v for name, v in figures.items() if name not in ("APs", "ARs")}
    np.testing.assert_allclose(list(without_small.values()), 1)
    assert np.isnan(figures["APs"])
    assert np.isnan(figures["ARs"])
    none = np.nan
    np.testing.assert_allclose(
        per_class,
        [[1, 1, 1, none, 1, none], [none] * 6, [1, 1, 1, none, none, 1]],
    )


def test_without_detections():
    figures, per_class = coco_metrics(truths((0, 0, *BOX)), detections(), images=1, classes=1)
    assert figures["AP"] == figures["AR100"] == 0
    np.testing.assert_array_equal(per_class, [[0, 0, 0, np.nan, 0, np.nan]])


@pytest.mark.parametrize("found", [(), ((0, 0, *BOX, 0.9),)])
def test_without_truths(found):
    figures, per_class = coco_metrics(truths(), detections(*found), images=1, classes=2)
    assert np.isnan(list(figures.values())).all()
    assert np.isnan(per_class).all()


def test_crowd_is_ignored():
    truth = truths((0, 0, *BOX), (0, 0, *FAR), crowd=[1])
    in_crowd = [(0, 0, 100, 100, 200, 200, 0.9), (0, 0, 200, 200, 300, 300, 0.8)]
    figures, _ = coco_metrics(truth, detections(*in_crowd, (0, 0, *BOX, 0.7)), 1, 1)
    np.testing.assert_allclose(figures["AP"], 1)


def test_missing_package_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(UserError, match="pip install faster-coco-eval"):
        coco_metrics(truths((0, 0, *BOX)), detections(), 1, 1)
