"""SavedModels detect as the detector does, whatever they are given."""

import io
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.export.models import NAMES, assert_same, detect, make, photos
from yolo_tf.config_io import read_config
from yolo_tf.errors import UserError
from yolo_tf.export import saved_model


@pytest.fixture(scope="module", params=["letterbox", "stretch"])
def exported(request, tmp_path_factory):
    trained = make(request.param)
    path = tmp_path_factory.mktemp("exports") / request.param
    saved_model.write(trained, path)
    return trained, path


def example(encoded: bytes) -> bytes:
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))
    features = tf.train.Features(feature={"image/encoded": feature})
    return tf.train.Example(features=features).SerializeToString()


@pytest.mark.parametrize("shape", [(1, 64, 96), (3, 90, 40), (2, 31, 200), (1, 5, 3)])
def test_all_signatures_detect_as_the_detector(exported, shape):
    trained, path = exported
    signatures = tf.saved_model.load(str(path)).signatures
    assert set(signatures) == {"serving_default", "encoded", "tf_example"}
    images = photos(*shape)
    expected = detector.detect_arrays(images)
    assert expected["num_detections"].min() > 0
    assert_same(signatures["serving_default"](images=tf.constant(images)), expected)
    encoded = [tf.io.encode_png(image).numpy() for image in images]
    assert_same(signatures["encoded"](encoded_images=tf.constant(encoded)), expected)
    examples = tf.constant([example(data) for data in encoded])
    assert_same(signatures["tf_example"](examples=examples), expected)


def test_encoded_photos_may_differ_in_size_and_format(exported):
    trained, path = exported
    buffer = io.BytesIO()
    Image.fromarray(photos(1, 70, 50)[0]).save(buffer, "JPEG")
    jpeg = buffer.getvalue()
    grey = tf.io.encode_png(photos(1, 33, 80)[0, :, :, :1]).numpy()
    found = tf.saved_model.load(str(path)).signatures["encoded"](tf.constant([jpeg, grey]))
    images = [tf.io.decode_image(data, channels=3).numpy() for data in (jpeg, grey)]
    assert_same(found, detector.detect_arrays(images))


def test_what_is_read_is_the_detector(exported):
    trained, path = exported
    loaded = saved_model.read(path)
    assert loaded.class_names == NAMES
    assert loaded.nms == trained.config.nms
    assert loaded.input_size == (64, 96)
    assert read_config(path / "assets.extra" / "config.yaml") == config
    for a, b in zip(loaded.get_weights(), detector.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    portrait = photos(1, 120, 45)[0]
    assert_same(loaded.detect_arrays([portrait]), detector.detect_arrays([portrait]))
    assert_same(
        loaded.detect_arrays([portrait / np.float32(255)]), detector.detect_arrays([portrait])
    )
    inputs = tf.random.stateless_uniform([2, 64, 96, 3], (1, 2))
    expected = {k: v.numpy() for k, v in trained.detector.detect_inputs(inputs).items()}
    assert_same(loaded.detect_inputs(inputs), expected)


def test_the_weights_are_stored_once(exported):
    trained, path = exported
    weights = sum(w.nbytes for w in trained.network.get_weights())
    assert (path / "saved_model.pb").stat().st_size < weights + 500_000


@pytest.mark.parametrize("kind", ["diou", "soft"])
def test_any_kind_of_suppression(tmp_path, kind):
    trained = make(kind=kind)
    saved_model.write(trained, tmp_path / "export")
    loaded, images = saved_model.read(tmp_path / "export"), photos(2, 90, 40)
    assert loaded.nms.kind == kind
    assert_same(loaded.detect_arrays(images), detector.detect_arrays(images))


def test_bfloat16_detects_nearly_the_same(exported, tmp_path):
    trained, _ = exported
    saved_model.write(trained, tmp_path / "half", policy="bfloat16")
    images = photos(1, 90, 40)
    found = detect(saved_model.read(tmp_path / "half"), images)
    expected = detect(trained.detector, images)
    assert found["detection_scores"].dtype == np.float32
    np.testing.assert_allclose(found["detection_scores"], expected["detection_scores"], atol=0.2)
    assert np.any(found["detection_scores"] != expected["detection_scores"])


@pytest.mark.parametrize("content", ["file in folder", "file"])
def test_a_foreign_folder_is_not_overwritten(tmp_path, content):
    path = tmp_path / "mine"
    if content == "file":
        path.write_text("precious")
    else:
        path.mkdir()
        (path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="exists and is not an export; name another folder"):
        export(*make(), path)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] in (["mine"], ["thesis.tex"])


def test_an_empty_folder_may_be_used(tmp_path):
    export(*make(), tmp_path)
    assert load_export(tmp_path).class_names == NAMES


@pytest.mark.parametrize("name", ["detection_boxes", "detection_scores", "detection_classes"])
def test_an_export_that_detects_otherwise_is_refused(tmp_path, monkeypatch, name):
    detector, config = make()
    detect = detector.detect_arrays

    def other(images):
        found = detect(images)
        change = 1 if name == "detection_classes" else np.float32(0.001)
        return found | {name: found[name] + change}

    monkeypatch.setattr(detector, "detect_arrays", other)
    with pytest.raises(UserError, match="export refused: signature serving_default"):
        export(detector, config, tmp_path / "export")
    assert not list(tmp_path.iterdir())


def test_the_order_of_equal_scores_is_no_difference(tmp_path, monkeypatch):
    detector, config = make()
    detect = detector.detect_arrays

    def turned(images):
        return {k: v[:, ::-1] if v.ndim > 1 else v for k, v in detect(images).items()}

    monkeypatch.setattr(detector, "detect_arrays", turned)
    export(detector, config, tmp_path / "export")


def test_an_export_of_not_a_number_is_refused(tmp_path, monkeypatch):
    detector, config = make()
    detect = detector.detect_arrays
    nan = np.float32(np.nan)
    monkeypatch.setattr(
        detector, "detect_arrays", lambda i: {k: v + nan for k, v in detect(i).items()}
    )
    with pytest.raises(UserError, match="export refused"):
        export(detector, config, tmp_path / "export")


def test_a_refused_export_leaves_the_older_one(tmp_path, monkeypatch):
    detector, config = make()
    export(detector, config, tmp_path / "export")
    monkeypatch.setattr(saved_model, "_TOLERANCE", -1.0)
    with pytest.raises(UserError, match="export refused"):
        export(detector, config, tmp_path / "export")
    assert load_export(tmp_path / "export").class_names == NAMES
    assert [p.name for p in tmp_path.iterdir()] == ["export"]


@pytest.fixture(scope="module")
def one_export(tmp_path_factory):
    path = tmp_path_factory.mktemp("exports") / "one"
    saved_model.write(make(), path)
    return path


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("assets.extra/config.yaml", None, r"a SavedModel, but without assets\.extra/config\.yaml"),
        ("assets.extra/classes.txt", None, r"a SavedModel, but without assets\.extra/classes\.txt"),
        ("saved_model.pb", "nothing", "damaged SavedModel"),
    ],
)
def test_a_damaged_export(one_export, tmp_path, file, text, message):
    path = shutil.copytree(one_export, tmp_path / "copy")
    if text is None:
        (path / file).unlink()
    else:
        (path / file).write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        saved_model.read(path)
    assert "\n" not in str(caught.value)
