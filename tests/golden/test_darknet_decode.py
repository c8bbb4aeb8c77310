"""Boxes and scores of raw outputs: as OpenCV's yolo layer and as yolov3-tf2."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.fixtures import cases, load
from tests.golden.test_darknet_networks import cfg_of
from yolo_tf.config import YoloHeadConfig
from yolo_tf.darknet.head_recipe import head_config
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.heads.yolo.head import YoloHead

OPENCV_THRESHOLD = 0.2  # class scores below are 0 there


def _xyxy(boxes) -> np.ndarray:
    ymin, xmin, ymax, xmax = np.moveaxis(np.asarray(boxes), -1, 0)
    return np.stack([xmin, ymin, xmax, ymax], axis=-1)


@pytest.mark.parametrize("path", cases("darknet_yolov"))
def test_as_opencv(path):
    arrays, meta = load(path)
    cfg = cfg_of(json.loads(str(arrays["layers_json"])), path.name)
    size = (meta["H"], meta["W"])
    levels = outputs(plan(cfg, size))
    head = YoloHead(head_config(levels), levels[0].classes, size)
    raw, expected = {}, {}
    for level in levels:
        values = arrays[f"raw_{level.layer - 1}"][None].astype(np.float64)
        if level.new_coords:  # after the logistic there, before it here
            values = np.log(values / (1 - values))
        raw[level.stride] = tf.constant(values, tf.float32)
        expected[level.stride] = arrays[f"yolo_{level.layer}"]
    expected = np.concatenate([expected[stride] for stride in sorted(expected)])

    boxes, scores = head.decode(raw)

    corners = _xyxy(boxes[0])
    centres, sizes = (corners[:, 2:] + corners[:, :2]) / 2, corners[:, 2:] - corners[:, :2]
    np.testing.assert_allclose(centres, expected[:, :2], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(sizes, expected[:, 2:4], rtol=1e-4, atol=1e-4)
    kept = expected[:, 5:] > 0
    np.testing.assert_allclose(scores[0].numpy()[kept], expected[:, 5:][kept], rtol=1e-4)
    assert scores[0].numpy()[~kept].max() <= OPENCV_THRESHOLD + 1e-4


@pytest.mark.parametrize("path", cases("y3tf2_nms_"))
def test_as_yolov3_tf2(path):
    arrays, meta = load(path)
    size = meta["size"]
    grids = [arrays[f"pred_{index}"].shape[1] for index in range(len(arrays["masks"]))]
    # Anchors there are shares of the input.
    anchors = {
        size // grid: (arrays["anchors"][mask] * size).tolist()
        for grid, mask in zip(grids, arrays["masks"], strict=True)
    }
    head = YoloHead(YoloHeadConfig(anchors=anchors), meta["classes"], (size, size))
    for index, grid in enumerate(grids):
        raw = arrays[f"pred_{index}"]
        level = head.levels[size // grid]
        boxes = _xyxy(level.decode(tf.constant(raw[..., :4])))
        np.testing.assert_allclose(boxes, arrays[f"box_{index}"], rtol=1e-5, atol=1e-5)
    raw = {
        size // grid: tf.reshape(arrays[f"pred_{index}"], [1, grid, grid, -1])
        for index, grid in enumerate(grids)
    }
    _, scores = head.decode(raw)
    expected = [
        (arrays[f"obj_{index}"] * arrays[f"cls_{index}"]).reshape(-1, meta["classes"])
        for index in np.argsort(grids)[::-1]
    ]
    np.testing.assert_allclose(scores[0], np.concatenate(expected), rtol=1e-5, atol=1e-6)
