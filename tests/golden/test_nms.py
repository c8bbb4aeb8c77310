"""Non-maximum suppression against TensorFlow's combined kernel and Model Garden's generator."""

import numpy as np
import pytest

from tests.golden.fixtures import cases, load
from yolo_tf.ops.nms import non_max_suppression

NMS = cases("nms_", exclude=("nms_darknet",))


def _compare(result, arrays, prefix, clip=False):
    result = {key: value.numpy() for key, value in result.items()}
    count = arrays[f"{prefix}_count"]
    np.testing.assert_array_equal(result["num_detections"], count)
    if clip:
        result["detection_boxes"] = result["detection_boxes"].clip(0, 1)
    for image, rows in enumerate(count):  # beyond the count the references pad differently
        for key in ("boxes", "scores", "classes"):
            np.testing.assert_allclose(
                result[f"detection_{key}"][image, :rows],
                arrays[f"{prefix}_{key}"][image, :rows],
                atol=0 if key == "classes" else 1e-5,
                rtol=0,
            )


@pytest.mark.parametrize("path", NMS)
def test_combined(path):
    arrays, meta = load(path)
    result = non_max_suppression(
        arrays["boxes_yxyx"],
        arrays["scores"],
        meta["score_threshold"],
        meta["iou_threshold"],
        meta["max_total"],
        max_per_class=meta["max_per_class"],
    )
    _compare(result, arrays, "combined")
    _compare(result, arrays, "combined_clip", clip=True)


@pytest.mark.parametrize("path", NMS)
def test_agnostic(path):
    arrays, meta = load(path)
    result = non_max_suppression(
        arrays["boxes_yxyx"],
        arrays["scores"],
        meta["score_threshold"],
        meta["iou_threshold"],
        meta["max_total"],
        class_agnostic=True,
    )
    _compare(result, arrays, "agnostic")


@pytest.mark.parametrize("path", cases("mg_generator_"))
def test_model_garden_greedy(path):
    arrays, meta = load(path)
    result = non_max_suppression(
        arrays["all_boxes_yxyx"],
        arrays["all_class_scores"],
        meta["score_threshold"],
        meta["nms_iou"],
        meta["max_boxes"],
        max_per_class=meta["pre_nms_points"],
    )
    _compare(result, arrays, "greedy", clip=True)
