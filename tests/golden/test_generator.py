"""Decoding and NMS of raw outputs equal Model Garden's detection generator."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import yolo_heads
from tests.golden.fixtures import cases, load
from yolo_tf.ops.nms import non_max_suppression


def decoded(arrays, meta):
    head = yolo_heads.head_of(arrays, meta)
    raw = {s: tf.constant(arrays[f"pred_{k}"]) for k, s in yolo_heads.strides(meta).items()}
    return head.decode(raw)


@pytest.mark.parametrize("path", cases("mg_generator_"))
def test_decode(path):
    arrays, meta = load(path)
    boxes, scores = decoded(arrays, meta)
    np.testing.assert_allclose(boxes, arrays["all_boxes_yxyx"], rtol=1e-5, atol=1e-5)
    # The reference sets what does not pass the threshold to 0 here; we do it in NMS.
    passed = arrays["all_class_scores"] > 0
    np.testing.assert_allclose(scores.numpy()[passed], arrays["all_class_scores"][passed], 1e-5)
    assert passed.any()


@pytest.mark.parametrize("path", cases("mg_generator_"))
def test_detections(path):
    arrays, meta = load(path)
    boxes, scores = decoded(arrays, meta)
    # The reference needs the objectness alone to pass the threshold as well; class scores are a
    # product with it, so that follows.
    found = non_max_suppression(
        boxes,
        scores,
        score_threshold=meta["score_threshold"],
        iou_threshold=meta["nms_iou"],
        max_detections=meta["max_boxes"],
        pre_nms_top_k=meta["pre_nms_points"],
    )
    np.testing.assert_array_equal(found["num_detections"], arrays["greedy_count"])
    for image, count in enumerate(arrays["greedy_count"]):
        for name, tolerance in (("classes", 0), ("scores", 1e-5), ("boxes", 1e-5)):
            ours = found[f"detection_{name}"][image, :count].numpy()
            if name == "boxes":  # the reference clips to the image
                ours = ours.clip(0, 1)
            expected = arrays[f"greedy_{name}"][image, :count]
            np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance, err_msg=name)
