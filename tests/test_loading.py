"""Detectors from run folders and exports."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

import yolo_tf
from yolo_tf.errors import UserError
from yolo_tf.export.export import export_model
from yolo_tf.loading import load, load_trained
from yolo_tf.runs import checkpoint


@pytest.fixture(scope="module")
def detector(tiny_run):
    return load(tiny_run)


def test_a_run(detector, shapes_records, tiny_run):
    assert detector.class_names == shapes_records.classes
    assert detector.input_size == (64, 96)
    assert detector.network.name == "yolov3_tiny"
    assert len(detector.get_weights()) > 50
    assert detector.detect(np.zeros((50, 70, 3), np.uint8)).image.shape == (50, 70, 3)


def test_the_best_and_the_last_checkpoint(run_copy):
    # Made different, and told apart by their pointers.
    for name in ("best", "last"):
        pointer = run_copy / "checkpoints" / f"{name}.json"
        path = checkpoint.find(run_copy / "checkpoints", "last")
        own = shutil.copytree(path, path.with_name(f"epoch-{name}"))
        pointer.write_text(json.dumps({"checkpoint": own.name}))
    model = load(run_copy, "best")
    model.set_weights([w + 1 for w in model.get_weights()])
    best = run_copy / "checkpoints" / "epoch-best"
    tf.train.Checkpoint(network=model.network).write(str(best / "variables"))
    (best / "files.json").unlink()  # its checksums are those of the other weights
    last, best = load(run_copy, "last").get_weights(), load(run_copy, "best").get_weights()
    np.testing.assert_allclose(best[0], last[0] + 1, atol=1e-6)
    np.testing.assert_array_equal(load(str(run_copy)).get_weights()[0], best[0])


def test_a_run_that_never_evaluated_gives_its_last(run_copy):
    (run_copy / "checkpoints" / "best.json").unlink()
    assert load(run_copy, "best").get_weights()


@pytest.fixture(scope="module")
def exported(tiny_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "out"
    export_model(load_trained(tiny_run), folder, ["saved_model", "tflite", "darknet"], "", 1)
    return folder


@pytest.mark.parametrize("file", ["", "saved_model", "model.tflite", "darknet/RUN.weights"])
def test_an_export_and_its_files(detector, tiny_run, exported, file):
    model = yolo_tf.load(exported / file.replace("RUN", tiny_run.name))
    assert model.class_names == detector.class_names
    if not model.fixed_nms:  # a cfg does not say its thresholds: Darknet's are taken
        model.nms = detector.nms
    photo = np.random.default_rng(0).integers(0, 256, (1, 75, 40, 3)).astype(np.uint8)
    expected = detector.detect_images(tf.constant(photo))
    for name, value in model.detect_images(tf.constant(photo)).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-4, err_msg=name)


def test_darknet_files_that_are_not_together(exported, tiny_run, tmp_path):
    weights = tmp_path / "net.weights"
    weights.write_bytes((exported / "darknet" / f"{tiny_run.name}.weights").read_bytes())
    with pytest.raises(UserError, match=r"net\.weights: needs net\.cfg beside it; or name the"):
        load(weights)


def test_an_export_that_was_emptied(tmp_path):
    (tmp_path / "export.json").write_text("{}")
    with pytest.raises(UserError, match=r"an export \(export\.json\) without a model in it"):
        load(tmp_path)


def test_what_is_neither(tmp_path):
    with pytest.raises(UserError, match="none: not found; expected a run folder or an export"):
        load(tmp_path / "none")
    with pytest.raises(UserError, match=r"neither a run folder \(config\.yaml\) nor an export"):
        load(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file: found a file that is no model, expected a run"):
        load(tmp_path / "file")
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(UserError, match=r"a SavedModel, but without assets\.extra/config\.yaml"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (None, "path: found NoneType None, expected a path"),
        (5, "path: found int 5, expected a path"),
        (b"runs/x", "path: found bytes b'runs/x', expected a path"),
        ("z" * 300, "zzz: cannot be read: File name too long"),
        ("a\0b", "cannot be read: embedded null byte"),
        ("setup.py/x", "setup.py/x: not found; expected a run folder"),
    ],
)
def test_what_is_no_path(path, message):
    with pytest.raises(UserError, match=message):
        load(path)


def test_an_unknown_checkpoint(tiny_run):
    with pytest.raises(UserError, match="checkpoint: found 'bst', expected 'best' or 'last'"):
        load(tiny_run, "bst")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("classes.txt", "star\n", "", "another number of classes"),
        (
            "config.yaml",
            "name: yolov3_tiny",
            "name: yolov3_tny",
            "config.model.name: found 'yolov3_",
        ),
        ("config.yaml", "epochs: 2", "epochs: soon", "config.train.epochs: found 'soon', expected"),
        ("config.yaml", "[64, 96]", "[64, 90]", "width 90 is not a multiple of"),
    ],
)
def test_a_run_edited_wrongly(run_copy, file, old, new, message):
    path = run_copy / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        load(run_copy)
