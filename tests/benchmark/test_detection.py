import numpy as np
import pytest
import tensorflow as tf

from tests.benchmark.recipes import tiny
from tests.every_head import HEADS
from yolo_tf.benchmark import detection, report, timing
from yolo_tf.detector.build import build_detector
from yolo_tf.errors import UserError

pytestmark = pytest.mark.long  # minutes of measuring; test_step is in the short run


def test_shares_and_parts():
    found = detection.measure_detection(tiny(), num_classes=3, repeats=2)
    assert found["network_seconds"] > 0
    for name in detection.THRESHOLDS:
        part = found[name]
        assert part["seconds"] > 0
        assert part["share"] < 1
        assert part["quartiles"][0] <= part["quartiles"][1] < 1
        assert set(part["parts"]) == {"resize", "candidates", "suppression"}
        whole = found["network_seconds"] + sum(part["parts"].values())
        assert whole == pytest.approx(part["seconds"])
        assert part["candidates"] >= part["detections"]
    assert found["evaluation"]["candidates"] >= found["detection"]["candidates"]
    text = report.table({"machine": timing.machine(), "detection": [found]})
    assert "yolov3_tiny 64x32, one image" in text


def test_raw_outputs_spread_as_a_trained_models():
    detector = build_detector(tiny(), ["a", "b", "c"])
    images = tf.random.stateless_uniform([2, 32, 64, 3], (1, 2))
    detection.calibrate(detector, images)
    raws = [raw.numpy().reshape(-1, 8) for raw in detector.network(images).values()]
    lowest = min(raw[:, 4].min() for raw in raws)  # fewer boxes than a trained model takes for real
    assert lowest == pytest.approx(-4.5, abs=1e-2)
    stride_16 = detector.network(images)[16].numpy().reshape(-1, 8)
    np.testing.assert_allclose(stride_16[:, 5:].mean(axis=0), -10, atol=1e-2)
    np.testing.assert_allclose(stride_16[:, 5:].std(axis=0), 2.5, rtol=1e-2)


def test_a_frozen_graph_has_no_variables():
    weight = tf.Variable(2.0)
    call = detection.frozen(lambda x: x * weight, tf.constant([[3.0]]))
    weight.assign(5.0)
    assert call()[0].numpy().tolist() == [[6.0]]


def test_another_head_is_refused():
    config = tiny()
    config.head = HEADS["yolox"]
    with pytest.raises(UserError, match=r"config\.head: found YoloxHeadConfig, expected YoloHead"):
        detection.measure_detection(config, num_classes=3, repeats=1)
