import pytest

from tests.benchmark.recipes import plausible, tiny
from yolo_tf.benchmark import precision, report, timing

pytestmark = pytest.mark.long  # minutes of measuring; test_step is in the short run


def test_variants_in_turns_and_their_memory(monkeypatch):
    # XLA takes its time to compile; the flag that turns it on is tested with the detector.
    chosen = {name: precision.VARIANTS[name] for name in ("float32", "mixed_bfloat16")}
    monkeypatch.setattr(precision, "VARIANTS", chosen)
    found = precision.measure_precision(tiny(), batch_size=2, num_classes=3, repeats=2)
    variants = found["variants"]
    assert list(variants) == list(chosen)
    assert variants["float32"]["ratio"] == 1
    for variant in variants.values():
        assert plausible(variant)
        assert variant["ratio"] > 0
        assert variant["peak_memory"] > 1e8
    text = report.table({"machine": timing.machine(), "precision": [found]})
    assert "yolov3_tiny 64x32, batch 2" in text
