"""COCO's figures against pycocotools, VOC's against three other implementations."""

import numpy as np
import pytest

from tests.golden.fixtures import cases, load
from yolo_tf.evaluate.matching import DetectionArrays, Truths
from yolo_tf.evaluate.metrics import coco_metrics, voc_ap

XYXY_TO_YXYX = [1, 0, 3, 2]
EVAL = cases("eval_")


def _records(arrays, meta):
    assert meta["gt_columns"][:6] == ["image", "class", "xmin", "ymin", "xmax", "ymax"]
    truth, found = arrays["gt"], arrays["det"]
    boxes = truth[:, 2:6][:, XYXY_TO_YXYX]
    truths = Truths(
        image=truth[:, 0].astype(int),
        label=truth[:, 1].astype(int),
        boxes=boxes,
        difficult=truth[:, 6] == 1,
        crowd=truth[:, 7] == 1,
        area=np.prod(boxes[:, 2:] - boxes[:, :2], axis=1),
    )
    detections = DetectionArrays(
        image=found[:, 0].astype(int),
        label=found[:, 1].astype(int),
        boxes=found[:, 2:6][:, XYXY_TO_YXYX],
        scores=found[:, 6],
    )
    return truths, detections


@pytest.mark.parametrize("path", EVAL)
def test_coco(path):
    arrays, meta = load(path)
    figures, per_class = coco_metrics(*_records(arrays, meta), meta["n_images"], meta["n_classes"])
    assert list(figures) == meta["coco_stats"]
    for found, expected in (
        (list(figures.values()), arrays["coco_stats"]),
        (per_class[:, :3], arrays["coco_per_class"]),
    ):
        np.testing.assert_allclose(found, np.where(expected < 0, np.nan, expected), atol=1e-6)


@pytest.mark.parametrize("path", EVAL)
@pytest.mark.parametrize("percent", [50, 75])
@pytest.mark.parametrize("variant", ["plus1", "noplus1", "noplus1_ignoring_difficult_flag"])
def test_voc(path, percent, variant):
    arrays, meta = load(path)
    truths, detections = _records(arrays, meta)
    ignored = np.zeros(len(truths.label), bool) if "flag" in variant else truths.difficult
    found = voc_ap(
        truths,
        detections,
        meta["n_classes"],
        iou_threshold=percent / 100,
        ignored=ignored,
        plus_one=variant == "plus1",
    )
    np.testing.assert_allclose(found, arrays[f"voc{percent}_{variant}"], atol=1e-6)
