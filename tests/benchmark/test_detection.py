import pytest
import tensorflow as tf

from tests.benchmark.recipes import tiny
from tests.every_head import HEADS
from yolo_tf.benchmark import detection, report, timing
from yolo_tf.errors import UserError


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
    assert found["evaluation"]["candidates"] > found["detection"]["candidates"]
    text = report.table({"machine": timing.machine(), "detection": [found]})
    assert "yolov3_tiny 64x32, one photo" in text


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
