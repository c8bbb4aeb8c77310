"""Code in the docs does what it says."""

import dataclasses
import importlib
import operator
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import yolo_tf
from tests.small import small_config
from yolo_tf.cli.recipe import check_override
from yolo_tf.config import Config
from yolo_tf.config.check import check_config
from yolo_tf.data import sources
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.recognise import recognise
from yolo_tf.detector.build import build_detector, build_head
from yolo_tf.errors import UserError
from yolo_tf.export.export import export_model
from yolo_tf.heads.yolo import head as yolo_head
from yolo_tf.loading import load_trained
from yolo_tf.models import zoo

DOCS = Path(__file__).resolve().parents[1] / "docs"
PACKAGE = DOCS.parent / "yolo_tf"


def _run_example(title: str) -> dict:
    """The names that the code block below "## Example: TITLE" of extending.md defines."""
    _, _, section = (DOCS / "extending.md").read_text().partition(f"## Example: {title}\n")
    names = {"__name__": "extending"}
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    exec(compile(code, "docs/extending.md", "exec", dont_inherit=True), names)
    return names


def test_a_loss_is_a_class_and_a_line(monkeypatch):
    monkeypatch.setattr(yolo_head, "LOSSES", dict(yolo_head.LOSSES))
    names = _run_example("a loss")

    boxes, classes = tf.constant([[[0.1, 0.2, 0.5, 0.4]]]), tf.constant([[1]])
    losses = {}
    for weight in (1.0, 2.0):
        config = small_config()
        config.head.loss = names["FineBoxLossConfig"](fine_weight=weight)
        check_config(config)
        head = build_head(config, 3)
        outputs = {
            stride: tf.zeros([1, 64 // stride, 96 // stride, head.output_channels(stride)])
            for stride in head.levels
        }
        losses[weight] = head.loss(head.encode(boxes, classes), outputs)
    assert losses[1.0]["box_loss_16"] > 0
    np.testing.assert_allclose(losses[2.0]["box_loss_16"], 2 * losses[1.0]["box_loss_16"])
    np.testing.assert_allclose(losses[2.0]["class_loss"], losses[1.0]["class_loss"])
    config.head.loss.fine_weight = 0  # the range stands at the setting and nowhere else
    with pytest.raises(UserError, match=r"head\.loss\.fine_weight: found 0, expected more than 0"):
        check_config(config)


def test_a_network_is_a_function_and_a_line(monkeypatch):
    for name in ("MODELS", "STRIDES"):
        monkeypatch.setattr(zoo, name, dict(getattr(zoo, name)))
    _run_example("a network")
    config = small_config()
    config.model.name = "yolov3_small"
    detector = build_detector(config, ["a", "b", "c"])
    found = detector.detect_inputs(tf.zeros([1, *config.input_size, 3]))
    assert found["num_detections"].shape == (1,)


def test_a_data_format_is_a_class_and_a_line(tmp_path):
    _run_example("a data format")
    source_class = sources.SOURCES.pop("plain")
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg")
    (tmp_path / "a.box").write_text("cat 0 0 20 10\ndog 4 5\n")
    source = source_class(Options("", str(tmp_path)))
    sample, issues = source.read(*source.ids())
    assert source.class_names == ["cat"]
    np.testing.assert_allclose(sample.boxes, [[0, 0, 0.5, 0.5]])
    assert [issue.field for issue in issues] == ["line 2"]
    found = recognise(str(tmp_path), {"plain": source_class})
    assert found.format == "plain"


def test_the_functions_that_the_map_names_are_there():
    """docs/architecture.md tells each way in lines that begin with a file and name functions."""
    text = (DOCS / "architecture.md").read_text()
    lines = re.findall(r"^\d+\. `([\w./]+)`: (.*)$", text, re.MULTILINE)
    assert len(lines) == 20
    for file, told in lines:
        module = importlib.import_module("yolo_tf." + file.removesuffix(".py").replace("/", "."))
        first, *others = re.findall(r"`([\w.]+)\(\)`", told)
        assert callable(operator.attrgetter(first)(module)), f"{file} has no {first}"
        for name in others:
            defined = f"def {name.rpartition('.')[2]}("
            assert any(defined in path.read_text() for path in PACKAGE.rglob("*.py")), name


def test_exports_run_without_yolo_tf_as_written(tiny_run, tmp_path, monkeypatch):
    trained = dataclasses.replace(load_trained(tiny_run), name="cells")
    formats = ["saved_model", "tflite", "onnx", "darknet"]
    (tmp_path / "exports").mkdir()
    rows, _ = export_model(trained, tmp_path / "exports" / "cells", formats, "", 1)
    assert [row.problem for row in rows] == [""] * len(formats)
    photo = np.random.default_rng(0).integers(0, 256, (120, 200, 3), np.uint8)
    photo[30:80, 40:120] = (250, 10, 60)
    Image.fromarray(photo).save(tmp_path / "photo.jpg")
    expected = trained.detector.detect(tmp_path / "photo.jpg", score_threshold=0)
    assert len(expected) > 0
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "export.md").read_text(), re.DOTALL)
    names, found = {}, 0
    for block in blocks:
        exec(compile(block, "docs/export.md", "exec"), names)
        boxes = names.pop("boxes", None)
        if boxes is not None:
            np.testing.assert_allclose(boxes, expected.boxes, atol=1e-3)
            found += 1
    assert (len(blocks), found) == (5, 3)
    (height, width), classes = trained.config.input_size, trained.detector.class_names
    boxes = sum((height // s) * (width // s) for s in trained.detector.head.strides) * 3
    assert names["scores"].shape == (boxes, len(classes))
    assert len(names["keep"]) <= boxes


def test_settings_that_the_pages_name_are_there():
    names = set()
    for page in [DOCS.parent / "README.md", *DOCS.glob("*.md")]:
        names |= set(re.findall(r"--config\.([a-z_][a-z_.]*[a-z_])=", page.read_text()))
    assert "train.profile" in names
    for name in names:
        if not name.startswith("head."):  # whose settings depend on the head
            check_override(Config(), name)


@pytest.mark.long
def test_the_python_api_runs_as_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["python_api.py", str(tmp_path)])
    names = runpy.run_path(str(DOCS / "python_api.py"))
    losses = names["history"].history["val_loss"]
    assert losses[-1] < losses[0]
    assert (tmp_path / "drawn.png").exists()
    np.testing.assert_array_equal(
        names["model"].get_weights()[0], names["detector"].get_weights()[0]
    )
    assert "objects in the image" in capsys.readouterr().out
    assert set(yolo_tf.__all__) <= set(dir(yolo_tf))
    for name in yolo_tf.__all__:
        assert callable(getattr(yolo_tf, name))
