import json

import pytest

from yolo_tf.benchmark import report

MACHINE = {
    "processor": "x86_64",
    "cores": 2,
    "accelerators": [],
    "python": "3.11.1",
    "tensorflow": "2.21.0",
    "load": None,
}
FIGURES = {"images_per_second": 20.94, "lowest": 18.0, "highest": 1234.5}
STEP = {
    "network": "yolov3_tiny",
    "input_size": [416, 640],
    "batch_size": 8,
    "bare": FIGURES,
    "train": FIGURES,
    "ratio": 1.0312,
    "pair_ratio": [1.01, 1.03, 1.05],
    "fastest_ratio": 1.04,
    "processor_ratio": 1.02,
    "peak_memory": 2_500_000_000,
}


def _row(text, label):
    return next(line for line in text.splitlines() if line.strip().startswith(label))


def test_table_of_steps():
    text = report.table({"machine": MACHINE, "step": [STEP]})
    assert "2 cores" in text
    assert "load average unknown" in text
    row = _row(text, "train step, yolov3_tiny 640x416, batch 8")
    assert row.split()[-3:] == ["20.9", "18", "1,234"]
    assert _row(text, "train / bare").endswith("1.031")
    assert _row(text, "most memory").endswith("2.50")
    assert "decode" not in text


def test_memory_is_left_out_where_unknown():
    text = report.table({"machine": MACHINE, "step": [STEP | {"peak_memory": None}]})
    assert "memory" not in text


def test_table_of_pipeline_and_encoding():
    pipeline = {
        "mean_pixels": 307200.0,
        "mean_bytes": 150_000.0,
        "input_size": [416, 416],
        "batch_size": 16,
        "figures": {
            "bound": FIGURES | {"share": 1.0, "processor_share": 1.0},
            "mosaic": FIGURES | {"share": 0.64, "processor_share": 0.71},
        },
    }
    encode = {"boxes": 100, "levels": 3, "batch_size": 16, "stream": FIGURES, "single": FIGURES}
    text = report.table({"machine": MACHINE, "pipeline": pipeline, "encode": encode})
    assert "0.31 MP, 150 kB" in _row(text, "decode")
    row = _row(text, "pipeline to 416x416: mosaic")
    assert row.split()[-5:] == ["20.9", "18", "1,234", "0.64", "0.71"]
    assert "100 boxes, 3 levels, batch 16" in _row(text, "encode")


def test_json_is_whole_or_not_there(tmp_path):
    path = tmp_path / "benchmark.json"
    report.write_results({"machine": MACHINE}, path)
    assert json.loads(path.read_text()) == {"machine": MACHINE}
    with pytest.raises(ValueError, match="JSON"):
        report.write_results({"step": float("nan")}, path)
    assert json.loads(path.read_text()) == {"machine": MACHINE}
    assert [p.name for p in tmp_path.iterdir()] == ["benchmark.json"]


def test_table_of_building():
    build = {"images": 10, "boxes": 25, "mean_bytes": 20_400.0, "bytes": FIGURES, "build": FIGURES}
    build |= {"ratio": 0.321, "processor_ratio": 0.456}
    text = report.table({"machine": MACHINE, "build": build})
    assert _row(text, "read, hash, write 20 kB").split()[-3:] == ["20.9", "18", "1,234"]
    assert _row(text, "build, one process, 2.5 boxes")
    assert _row(text, "build / bytes alone").endswith("0.32")
    assert _row(text, "the same of processor time").endswith("0.46")
