"""Exports that are checked: what is kept, what is refused, and the table of it."""

import dataclasses
import json

import numpy as np
import pytest

from tests.export.models import NAMES, make
from tests.small import add_micro
from yolo_tf.errors import UserError
from yolo_tf.export import export
from yolo_tf.export.agreement import kept, largest_difference
from yolo_tf.export.export import calibration_images, export_model, found_records, table
from yolo_tf.export.folder import is_export
from yolo_tf.export.formats import FORMATS
from yolo_tf.export.int8_errors import first_bad_layer
from yolo_tf.loading import load, load_trained


@pytest.fixture(scope="module", autouse=True)
def micro():
    with pytest.MonkeyPatch.context() as patch:
        add_micro(patch)
        yield


def change(monkeypatch, name, **changes):
    monkeypatch.setitem(FORMATS, name, dataclasses.replace(FORMATS[name], **changes))


def test_formats_side_by_side(tmp_path):
    output = tmp_path / "out"
    rows, ap50 = export_model(make(), output, ["saved_model", "keras"], "", 10)
    assert ap50 is None
    assert [(row.format, row.problem) for row in rows] == [("saved_model", ""), ("keras", "")]
    assert {path.name for path in output.iterdir()} == {
        "saved_model", "model.weights.h5", "config.yaml", "classes.txt", "export.json", "export.md",
        "files.json",
    }  # fmt: skip
    for row in rows:
        assert row.difference < 1e-4
        assert row.milliseconds > 0
        assert load(output / row.file).class_names == NAMES
    assert load(output).class_names == NAMES
    results = json.loads((output / "export.json").read_text())
    assert [one["file"] for one in results["formats"]] == ["saved_model", "model.weights.h5"]
    assert (output / "export.md").read_text() == table(rows, None) + "\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_format_that_detects_otherwise_is_refused_and_the_rest_kept(tmp_path, monkeypatch):
    other = make(seed=1)

    def write(trained, path):
        other.detector.network.save_weights(str(path))

    change(monkeypatch, "keras", write=write)
    rows, _ = export_model(make(), tmp_path / "out", ["saved_model", "keras"], "", 10)
    assert rows[0].problem == ""
    assert "a detection differs by" in rows[1].problem
    assert (tmp_path / "out" / "refused_model.weights.h5").exists()
    assert not (tmp_path / "out" / "model.weights.h5").exists()
    assert "refused_model.weights.h5" in table(rows, None)


def test_lost_detections_are_refused_without_records_too(tmp_path, monkeypatch):
    other = make(seed=1)

    def write(trained, path):
        other.detector.network.save_weights(str(path))

    change(monkeypatch, "keras", write=write, exact=False, explain=lambda _: "neck_conv_007")
    rows, _ = export_model(make(), tmp_path / "out", ["keras"], "", 10)
    assert "detections are left, expected at least half" in rows[0].problem
    assert rows[0].problem.endswith("; lost first in layer neck_conv_007")


def test_a_layer_that_8_bits_do_not_hold_is_named():
    """A channel of great numbers takes the range from the others."""
    trained = make(calibration=lambda: [np.random.default_rng(0).random((1, 64, 96, 3), "f4")])
    assert first_bad_layer(trained) == ""
    convolutions = [layer for layer in trained.network.layers if "conv" in layer.name]
    bad = convolutions[1]
    kernel, bias = bad.get_weights()
    bias[0] = 1e4
    bad.set_weights([kernel, bias])
    found = first_bad_layer(trained)
    assert found.startswith(bad.name)


def test_a_format_that_cannot_express_the_model(tmp_path, monkeypatch):
    def write(trained, path):
        raise UserError("no such head")

    change(monkeypatch, "darknet", write=write)
    rows, _ = export_model(make(), tmp_path / "out", ["darknet", "keras"], "", 10)
    assert [row.problem for row in rows] == ["no such head", ""]
    assert rows[0].megabytes is None


def test_ap50_before_and_after(tmp_path, tiny_run, shapes_records, monkeypatch):
    trained = load_trained(tiny_run)
    data = found_records(trained.config.data.val)
    assert data
    rows, ap50 = export_model(trained, tmp_path / "a", ["saved_model", "darknet"], data, 10**6)
    for row in rows:
        assert pytest.approx(ap50, abs=1e-3) == row.AP50
        assert row.problem == ""
    assert load(tmp_path / "a" / "darknet" / f"{trained.name}.weights").class_names
    change(monkeypatch, "saved_model", tolerance=-2.0)
    rows, _ = export_model(trained, tmp_path / "b", ["saved_model"], data, 8)
    assert f"the model's {ap50:.4f}; expected at most -2 less" in rows[0].problem
    change(monkeypatch, "saved_model", tolerance=1.0)
    monkeypatch.setattr(export, "_LEAST_SHARE", 2)
    rows, _ = export_model(trained, tmp_path / "c", ["saved_model"], data, 8)
    assert f"the model's {ap50:.4f}; expected at least two thirds of it" in rows[0].problem
    images = list(calibration_images(trained, data)())
    assert images[0].shape == (1, *trained.config.input_size, 3)


def test_records_that_are_gone():
    assert found_records("") == found_records("nowhere/x-val*") == ""


def test_an_older_export_is_replaced_and_a_failure_leaves_it(tmp_path, monkeypatch):
    output, other = tmp_path / "out", make(seed=1)
    export_model(make(), output, ["keras", "saved_model"], "", 10)
    export_model(other, output, ["keras"], "", 10)
    assert not (output / "saved_model").exists()
    change(monkeypatch, "keras", write=lambda trained, path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_model(make(), output, ["keras"], "", 10)
    weights = other.detector.get_weights()
    np.testing.assert_array_equal(load(output).get_weights()[0], weights[0])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("content", ["file in folder", "file"])
def test_a_foreign_folder_is_not_overwritten(tmp_path, content):
    path = tmp_path / "mine"
    if content == "file":
        path.write_text("precious")
    else:
        path.mkdir()
        (path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="exists and is not an export; name another folder"):
        export_model(make(), path, ["keras"], "", 10)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] in (["mine"], ["thesis.tex"])


def test_an_empty_folder_may_be_used(tmp_path):
    export_model(make(), tmp_path, ["keras"], "", 10)
    assert is_export(tmp_path)


def found(boxes, scores, classes):
    return {
        "detection_boxes": np.array([boxes], np.float32),
        "detection_scores": np.array([scores], np.float32),
        "detection_classes": np.array([classes]),
    }


A, B, C = [0.1, 0.1, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9], [0.0, 0.0, 1.0, 1.0]


def test_the_order_of_equal_scores_is_no_difference():
    one, other = found([A, B], [0.5, 0.5], [1, 2]), found([B, A], [0.5, 0.5], [2, 1])
    assert largest_difference(one, other) == 0


def test_kept_detections():
    one = found([A, B, C], [0.5, 0.4, 0.05], [1, 2, 2])
    assert kept(one, one) == (2, 2)
    assert kept(found([A, B, C], [0.5, 0.1, 0.3], [1, 2, 2]), one) == (1, 2)  # a score too low
    assert kept(found([A, B, C], [0.5, 0.4, 0.4], [3, 1, 2]), one) == (0, 2)  # other classes
    assert kept(found([A, A, A], [np.nan, 0, 0], [1, 2, 2]), one) == (0, 2)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (found([A, B], [0.5, 0.45], [1, 2]), 0.05),
        (found([A, [0.5, 0.5, 0.9, 0.8]], [0.5, 0.5], [1, 2]), 0.1),
        (found([A, B], [0.5, 0.5], [1, 3]), 1.0),
        (found([A, B, C], [0.5, 0.5, 0.3], [1, 2, 2]), 0.5),
        (found([A, B, C], [0.5, 0.5, 0.05], [1, 2, 2]), 0.0),
        (found([A, B], [np.nan, 0.5], [1, 2]), 1.0),
    ],
)
def test_differences(other, difference):
    one = found([A, B], [0.5, 0.5], [1, 2])
    for pair in ((one, other), (other, one)):
        assert largest_difference(*pair) == pytest.approx(difference, abs=1e-6)
