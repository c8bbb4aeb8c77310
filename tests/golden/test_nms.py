"""Non-maximum suppression against TensorFlow, Model Garden, Darknet and yolov3-tf2."""

import numpy as np
import pytest

from tests.golden.fixtures import cases, load
from yolo_tf.ops.nms import diou_nms, non_max_suppression
from yolo_tf.ops.soft_nms import soft_nms

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


@pytest.mark.parametrize("path", NMS)
def test_best_class_of_one_image_hard_and_soft(path):
    arrays, meta = load(path)
    boxes = arrays["boxes_yxyx"][:1]
    best = arrays["scores"][:1].max(axis=2, keepdims=True)
    options = {"score_threshold": meta["score_threshold"], "max_detections": meta["max_total"]}
    results = {
        "single": non_max_suppression(boxes, best, iou_threshold=meta["iou_threshold"], **options),
        # TensorFlow's weight is exp(-IoU^2 / (2 sigma)).
        "soft": soft_nms(boxes, best, soft_sigma=2 * meta["soft_nms_sigma"], **options),
    }
    for prefix, result in results.items():
        index = arrays[f"{prefix}_idx"]
        count = len(index)
        assert result["num_detections"].numpy().tolist() == [count]
        np.testing.assert_array_equal(result["detection_boxes"][0, :count], boxes[0, index])
        scores = result["detection_scores"][0, :count]
        np.testing.assert_allclose(scores, arrays[f"{prefix}_scores"], atol=1e-5)


@pytest.mark.parametrize("path", cases("nms_darknet_"))
def test_darknet(path):
    """As sets: Darknet keeps the places of the boxes, we sort."""
    arrays, meta = load(path)
    x, y, width, height = np.moveaxis(arrays["boxes_xcycwh"], -1, 0)
    boxes = np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=-1)
    candidates = arrays["probs"].size
    options = {
        "score_threshold": 0.0,
        "iou_threshold": meta["iou_threshold"],
        "max_detections": candidates,
        "pre_nms_top_k": candidates,
    }
    data = boxes[None], arrays["probs"][None]
    for rule, result in {
        "iou": non_max_suppression(*data, **options),
        "greedy": diou_nms(*data, beta=0.6, **options),
        "diou": diou_nms(*data, beta=meta["beta"], **options),
    }.items():
        expected = arrays[f"probs_after_{rule}"]
        rows, classes = np.nonzero(expected)
        assert result["num_detections"].numpy().tolist() == [len(rows)], rule
        kept = {
            key: value.numpy()[0, : len(rows)] for key, value in result.items() if value.ndim > 1
        }
        found = _sorted(
            kept["detection_boxes"], kept["detection_scores"], kept["detection_classes"]
        )
        wanted = _sorted(boxes[rows], expected[rows, classes], classes)
        np.testing.assert_array_equal(found, wanted, err_msg=rule)


def _sorted(boxes, scores, classes) -> np.ndarray:
    rows = np.concatenate([classes[:, None], scores[:, None], boxes], axis=1)
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize("path", cases("y3tf2_nms_"))
def test_yolov3_tf2(path):
    """Soft over all classes, without a cut at iou_threshold: TensorFlow 2.21 has none.

    See algorithms.md 10.21.
    """
    arrays, meta = load(path)

    def flat(name):
        levels = [arrays[f"{name}_{level}"] for level in range(len(arrays["masks"]))]
        return np.concatenate([values.reshape(-1, values.shape[-1]) for values in levels])

    xmin, ymin, xmax, ymax = flat("box").T
    boxes = np.stack([ymin, xmin, ymax, xmax], axis=-1)
    scores = flat("obj") * flat("cls") if meta["classes"] > 1 else flat("obj")
    result = soft_nms(
        boxes[None],
        scores[None],
        meta["score_threshold"],
        meta["max_boxes"],
        soft_sigma=2 * meta["soft_nms_sigma"],
        class_agnostic=True,
        pre_nms_top_k=len(boxes),
    )
    yxyx = arrays["out_boxes"][..., [1, 0, 3, 2]]
    _compare(result, arrays | {"out_boxes": yxyx}, "out")
