"""Exports: they detect as the detector does, and say so when they do not."""

import io
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.small import add_micro, small_config
from yolo_tf.build import build_detector
from yolo_tf.config_io import read_config
from yolo_tf.errors import UserError
from yolo_tf.export import saved_model
from yolo_tf.export.saved_model import export, load_export

NAMES = ["red cell", "größe", "a\u2028b"]
KEYS = {"detection_boxes", "detection_scores", "detection_classes", "num_detections"}


@pytest.fixture(scope="module", autouse=True)
def micro():
    with pytest.MonkeyPatch.context() as patch:
        add_micro(patch)
        yield


def make(resize="letterbox", seed=0, nms="greedy"):
    config = small_config(input_size=(64, 96))
    config.model.name, config.data.resize = "micro", resize
    config.nms.score_threshold, config.nms.max_detections, config.nms.kind = 0.01, 10, nms
    detector = build_detector(config, NAMES)
    random = np.random.default_rng(seed)
    # Weights that give boxes of many sizes and scores.
    weights = [
        w + random.normal(0, 0.1, w.shape).astype(np.float32) for w in detector.get_weights()
    ]
    detector.set_weights([np.abs(w) if w.ndim == 1 else w for w in weights])
    return detector, config


@pytest.fixture(scope="module", params=["letterbox", "stretch"])
def exported(request, tmp_path_factory):
    detector, config = make(request.param)
    path = tmp_path_factory.mktemp("exports") / request.param
    export(detector, config, path)
    return detector, config, path


def photos(batch, height, width, seed=1):
    """Rectangles on noise."""
    images = np.random.default_rng(seed).integers(0, 256, (batch, height, width, 3), np.uint8)
    images[:, : height // 2, : width // 3] = (250, 10, 60)
    return images


def assert_same(found, expected):
    assert set(found) == set(expected) == KEYS
    for name in KEYS:
        np.testing.assert_allclose(np.asarray(found[name]), expected[name], atol=1e-4, err_msg=name)


@pytest.mark.parametrize("shape", [(1, 64, 96), (3, 90, 40), (2, 31, 200), (1, 5, 3)])
def test_both_signatures_detect_as_the_detector(exported, shape):
    detector, _, path = exported
    saved = tf.saved_model.load(str(path))
    images = photos(*shape)
    expected = detector.detect_arrays(images)
    assert expected["num_detections"].min() > 0
    assert_same(saved.signatures["serving_default"](tf.constant(images)), expected)
    encoded = tf.constant([tf.io.encode_png(image).numpy() for image in images])
    assert_same(saved.signatures["encoded"](encoded), expected)


def test_encoded_photos_may_differ_in_size_and_format(exported):
    detector, _, path = exported
    buffer = io.BytesIO()
    Image.fromarray(photos(1, 70, 50)[0]).save(buffer, "JPEG")
    jpeg = buffer.getvalue()
    grey = tf.io.encode_png(photos(1, 33, 80)[0, :, :, :1]).numpy()
    found = tf.saved_model.load(str(path)).signatures["encoded"](tf.constant([jpeg, grey]))
    images = [tf.io.decode_image(data, channels=3).numpy() for data in (jpeg, grey)]
    assert_same(found, detector.detect_arrays(images))


def test_the_loaded_export_is_the_detector(exported):
    detector, config, path = exported
    loaded = load_export(path)
    assert loaded.class_names == NAMES
    assert loaded.nms == config.nms
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
    expected = {k: v.numpy() for k, v in detector.detect_inputs(inputs).items()}
    assert_same(loaded.detect_inputs(inputs), expected)


def test_nothing_but_the_export_is_left(exported):
    path = exported[2]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["diou", "soft"])
def test_any_kind_of_suppression(tmp_path, kind):
    detector, config = make(nms=kind)
    export(detector, config, tmp_path / "export")  # compares the two itself
    loaded, images = load_export(tmp_path / "export"), photos(2, 90, 40)
    assert loaded.nms.kind == kind
    assert_same(loaded.detect_arrays(images), detector.detect_arrays(images))


def test_an_older_export_is_replaced(tmp_path):
    path = tmp_path / "export"
    for seed in (0, 1):
        detector, config = make(seed=seed)
        export(detector, config, path)
    np.testing.assert_array_equal(load_export(path).get_weights()[0], detector.get_weights()[0])
    assert [p.name for p in tmp_path.iterdir()] == ["export"]


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
    export(*make(), path)
    return path


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("assets.extra/config.yaml", None, r"a SavedModel, but without assets\.extra/config\.yaml"),
        ("assets.extra/classes.txt", None, r"a SavedModel, but without assets\.extra/classes\.txt"),
        ("assets.extra/classes.txt", "one\ntwo\n", "damaged SavedModel"),
        ("saved_model.pb", "nothing", "damaged SavedModel"),
        ("variables/variables.index", "nothing", "damaged SavedModel"),
    ],
)
def test_a_damaged_export(one_export, tmp_path, file, text, message):
    path = shutil.copytree(one_export, tmp_path / "copy")
    if text is None:
        (path / file).unlink()
    else:
        (path / file).write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        load_export(path)
    assert "\n" not in str(caught.value)
