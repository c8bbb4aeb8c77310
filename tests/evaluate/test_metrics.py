import sys

import numpy as np
import pytest

from tests.evaluate.sets import detections, truths
from yolo_tf.errors import UserError
from yolo_tf.evaluate.matching import DetectionArrays, Truths
from yolo_tf.evaluate.metrics import FIGURES, coco_metrics

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


def crowded_set():
    """20 images of 80 classes, 30 truths and 300 detections each, one truth in 20 a crowd."""
    random = np.random.default_rng(7)
    images, classes, count, found = 20, 80, 600, 6000
    corners = random.integers(0, 400, [count, 2])
    boxes = np.concatenate([corners, corners + random.integers(4, 200, [count, 2])], axis=1)
    truth = Truths(
        image=random.integers(0, images, count),
        label=random.integers(0, classes, count),
        boxes=boxes.astype(float),
        difficult=np.zeros(count, bool),
        crowd=random.random(count) < 0.05,
        area=np.zeros(count),
    )
    of = random.integers(0, count, found)
    moved = boxes[of] + random.integers(-12, 13, [found, 4])
    low, high = np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])
    other = random.random(found) >= 0.9
    label = np.where(other, random.integers(0, classes, found), truth.label[of])
    boxes = np.concatenate([low, high], axis=1).astype(float)
    return truth, DetectionArrays(truth.image[of], label, boxes, random.permutation(found) / found)


def test_figures_of_pycocotools():
    """Those of pycocotools 2.0.11 on the same set, and of three of its classes."""
    figures, per_class = coco_metrics(*crowded_set(), images=20, classes=80)
    expected = [
        0.324502041,
        0.59148349,
        0.328022436,
        0.095745276,
        0.285842644,
        0.543670876,
        0.390225025,
        0.659786026,
        0.6766968,
        0.251612903,
        0.589156118,
        0.836445578,
    ]
    np.testing.assert_allclose(list(figures.values()), expected, atol=1e-6)
    np.testing.assert_allclose(
        per_class[:3],
        [
            [0.175367871, 0.32359736, 0.19009901, 0.022560542, 0.165595238, 0.558940975],
            [0.361366733, 0.572112211, 0.404290429, np.nan, 0.372953795, 0.410196734],
            [0.289809596, 0.534653465, 0.301980198, 0.0, 0.116666667, 0.726166902],
        ],
        atol=1e-6,
    )


def test_missing_package_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(UserError, match="pip install faster-coco-eval"):
        coco_metrics(truths((0, 0, *BOX)), detections(), 1, 1)
