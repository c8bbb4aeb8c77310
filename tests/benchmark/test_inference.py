import pytest

from tests.benchmark.recipes import plausible, tiny
from yolo_tf.benchmark import inference, report, timing
from yolo_tf.detector.build import build_detector
from yolo_tf.export.trained import Trained

pytestmark = pytest.mark.long  # minutes of measuring; test_step is in the short run


def test_formats_in_turns(monkeypatch):
    kept = {name: inference.FORMATS[name] for name in ("saved_model", "tflite", "darknet")}
    monkeypatch.setattr(inference, "FORMATS", kept)
    trained = Trained(build_detector(tiny(), ["a", "b"]), tiny())
    found = inference.measure_inference(trained, batches=[1, 2], repeats=2)
    for formats in found["batches"].values():
        assert list(formats) == ["saved_model", "tflite", "cv2.dnn"]
        for figures in formats.values():
            assert plausible(figures)
            assert figures["ratio"] > 0
        assert formats["cv2.dnn"]["ratio"] == formats["saved_model"]["float32_ratio"] == 1
    batch = found["batches"][2]["tflite"]
    assert batch["images_per_second"] == pytest.approx(2e3 / batch["milliseconds"], rel=0.5)
    text = report.table({"machine": timing.machine(), "inference": [found]})
    assert "yolov3_tiny 64x32, batch 2" in text
    assert "  cv2.dnn" in text
