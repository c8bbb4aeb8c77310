"""Every format is read again and detects what the model detects."""

import numpy as np
import pytest
import tensorflow as tf

from tests.export.models import NAMES, assert_same, detect, make, photos
from yolo_tf.config import TalHeadConfig
from yolo_tf.errors import UserError
from yolo_tf.export import darknet_files, onnx_model, tflite
from yolo_tf.export.folder import read_file
from yolo_tf.export.formats import FORMATS
from yolo_tf.export.names import FORMAT_NAMES
from yolo_tf.export.tflite import join
from yolo_tf.runs.recipe_files import write_recipe

BATCHES = [photos(1, 90, 40), photos(2, 31, 200), photos(1, 17, 9)]


def images(count=8):
    random = np.random.default_rng(3)
    return (random.random([1, 64, 96, 3], np.float32) for _ in range(count))


def test_the_command_names_all_formats():
    assert tuple(FORMATS) == FORMAT_NAMES


@pytest.fixture(scope="module")
def trained():
    return make(calibration=images)


@pytest.fixture(scope="module")
def raw(trained):
    return make(nms=False, calibration=images)


def written(name, model, folder):
    path = folder / FORMATS[name].file
    FORMATS[name].write(model, path)
    return FORMATS[name].read(path, model.config, NAMES)


@pytest.mark.parametrize("name", ["tflite", "onnx", "keras"])
def test_formats_in_float32(name, trained, tmp_path):
    found = written(name, trained, tmp_path)
    assert found.class_names == NAMES
    for batch in BATCHES:
        assert_same(detect(found, batch), detect(trained.detector, batch))


@pytest.mark.parametrize("name", ["tflite", "onnx"])
def test_sides_as_distributions(name, tmp_path):
    model = make(head=TalHeadConfig(strides=(16, 32), bins=4))
    found = written(name, model, tmp_path)
    for batch in BATCHES:
        expected = detect(model.detector, batch)
        assert expected["num_detections"].all()
        assert_same(detect(found, batch), expected)


@pytest.mark.parametrize("name", ["tflite", "onnx"])
def test_without_suppression_it_is_done_outside(name, raw, tmp_path):
    found = written(name, raw, tmp_path)
    outputs = found._run(np.zeros([1, 64, 96, 3], np.float32))
    assert {k: v.shape for k, v in outputs.items()} == {
        "raw_detection_boxes": (1, 90, 4),
        "raw_detection_scores": (1, 90, 3),
    }
    for batch in BATCHES:
        assert_same(detect(found, batch), detect(raw.detector, batch))


@pytest.mark.parametrize(("name", "least"), [("tflite_float16", 1e-9), ("tflite_int8", 1e-4)])
@pytest.mark.parametrize("suppressed", [True, False])
def test_fewer_bits(name, least, suppressed, trained, raw, tmp_path):
    model = trained if suppressed else raw
    found = written(name, model, tmp_path)
    batch = tf.random.stateless_uniform([1, 64, 96, 3], (5, 6))
    scores, expected = (
        d.detect_inputs(batch)["detection_scores"].numpy() for d in (found, model.detector)
    )
    assert least < abs(scores - expected).max() < 0.05


def test_int8_needs_images(tmp_path):
    with pytest.raises(UserError, match="tflite_int8: has no images to find the ranges"):
        tflite.write(make(), tmp_path / "model.tflite", "int8")


def test_a_file_alone_and_a_file_of_another_export(trained, tmp_path):
    path = tmp_path / "model.tflite"
    tflite.write(trained, path)
    with pytest.raises(UserError, match=r"model\.tflite: needs config\.yaml of its export beside"):
        read_file(path)
    trained.config.input_size = (96, 64)
    try:
        write_recipe(tmp_path, trained.config, NAMES)
    finally:
        trained.config.input_size = (64, 96)
    with pytest.raises(UserError, match=r"takes images of \(64, 96\), but the config\.yaml"):
        read_file(path)


@pytest.mark.parametrize("name", ["tflite", "onnx", "keras"])
@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 4096])
def test_a_damaged_file(name, content, trained, tmp_path):
    path = tmp_path / FORMATS[name].file
    path.write_bytes(content)
    with pytest.raises(UserError, match=str(path.name)) as caught:
        FORMATS[name].read(path, trained.config, NAMES)
    assert "\n" not in str(caught.value)


def test_models_that_do_not_fit_are_not_joined():
    def model(shape):
        function = tf.function(lambda x: x + 1.0, [tf.TensorSpec(shape)])
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [function.get_concrete_function()]
        )
        return converter.convert()

    with pytest.raises(ValueError, match=r"second model: found inputs .*\[1, 3\].*expected"):
        join(model([1, 2]), model([1, 3]), "x", ["y"])


def test_packages_that_are_missing(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs tf2onnx: pip install 'yolo_tf\[onnx\]'"):
        onnx_model.write(trained, tmp_path / "model.onnx")
    with pytest.raises(UserError, match=r"needs onnxruntime: pip install 'yolo_tf\[onnx\]'"):
        onnx_model.read(tmp_path / "model.onnx", trained.config, NAMES)
    with pytest.raises(UserError, match=r"needs ai-edge-litert: pip install 'yolo_tf\[tflite\]'"):
        tflite.read(tmp_path / "model.tflite", trained.config, NAMES)


def test_a_folder_without_darknet_files(trained, tmp_path):
    with pytest.raises(UserError, match=r"found 0 files \*\.cfg, expected one"):
        darknet_files.read(tmp_path, trained.config, NAMES)
