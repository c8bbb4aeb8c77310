"""SavedModels detect as the detector does, whatever they are given."""

import io
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.data.folders import giant_png
from tests.export.models import NAMES, assert_same, detect, make, photos
from yolo_tf.config.yaml_files import read_config
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
    expected = detect(trained.detector, images)
    assert expected["num_detections"].min() > 0
    assert_same(signatures["serving_default"](images=tf.constant(images)), expected)
    encoded = [tf.io.encode_png(image).numpy() for image in images]
    assert_same(signatures["encoded"](encoded_images=tf.constant(encoded)), expected)
    examples = tf.constant([example(data) for data in encoded])
    assert_same(signatures["tf_example"](examples=examples), expected)


def test_encoded_images_may_differ_in_size_and_format(exported):
    trained, path = exported
    files = []
    for shape, mode, kind in (
        ((70, 50), "RGB", "JPEG"),
        ((33, 80), "L", "PNG"),
        ((9, 17), "RGB", "BMP"),
        ((101, 64), "L", "JPEG"),
    ):
        buffer = io.BytesIO()
        Image.fromarray(photos(1, *shape)[0]).convert(mode).save(buffer, kind)
        files.append(buffer.getvalue())
    found = tf.saved_model.load(str(path)).signatures["encoded"](tf.constant(files))
    images = [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in files]
    expected = [detect(trained.detector, image[np.newaxis]) for image in images]
    assert_same(found, {k: np.concatenate([one[k] for one in expected]) for k in expected[0]})


@pytest.mark.parametrize("data", [b"", b"no image", giant_png(20_000, 20_000), b"BM not much"])
def test_bytes_that_are_no_image_or_too_large_a_one(exported, data):
    signature = tf.saved_model.load(str(exported[1])).signatures["encoded"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"expected a JPEG or PNG|bmp"):
        signature(tf.constant([data]))


def test_what_is_read_is_the_detector(exported):
    trained, path = exported
    loaded = saved_model.read(path)
    assert loaded.class_names == NAMES
    assert loaded.nms == trained.config.nms
    assert loaded.input_size == (64, 96)
    assert read_config(path / "assets.extra" / "config.yaml") == trained.config
    portrait = photos(1, 120, 45)
    expected = detect(trained.detector, portrait)
    assert_same(detect(loaded, portrait), expected)
    assert_same(detect(loaded, portrait / np.float32(255)), expected)
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
    assert_same(detect(loaded, images), detect(trained.detector, images))


def test_bfloat16_detects_nearly_the_same(exported, tmp_path):
    trained, _ = exported
    saved_model.write(trained, tmp_path / "half", policy="bfloat16")
    images = photos(1, 90, 40)
    found = detect(saved_model.read(tmp_path / "half"), images)
    expected = detect(trained.detector, images)
    assert found["detection_scores"].dtype == np.float32
    np.testing.assert_allclose(found["detection_scores"], expected["detection_scores"], atol=0.2)
    assert np.any(found["detection_scores"] != expected["detection_scores"])


def test_saved_model_cli_runs_it_without_this_package(exported, tmp_path):
    trained, path = exported
    images = photos(1, 50, 60)
    np.save(tmp_path / "images.npy", images)
    code = "import sys; from tensorflow.python.tools.saved_model_cli import main; main()"
    words = ["run", "--dir", str(path), "--tag_set", "serve", "--signature_def", "serving_default"]
    words += ["--inputs", f"images={tmp_path}/images.npy", "--outdir", str(tmp_path / "out")]
    subprocess.run(
        [sys.executable, "-c", code, *words], check=True, capture_output=True, cwd=tmp_path
    )
    found = {file.stem: np.load(file) for file in (tmp_path / "out").glob("*.npy")}
    assert_same(found, detect(trained.detector, images))


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
        ("saved_model.pb", "nothing", r"saved_model\.pb: damaged: size or checksum"),
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
