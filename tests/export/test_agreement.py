"""One real network in every form finds the same in real images, at the images' own coordinates."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.export.test_saved_model import example
from yolo_tf.detector.from_darknet import read_darknet
from yolo_tf.export.export import largest_difference
from yolo_tf.export.formats import FORMATS
from yolo_tf.export.trained import Trained

ROOT = Path(__file__).resolve().parents[2]
DATA = (ROOT / os.environ.get("YOLO_TF_FIXTURES", "../shared/fixtures")).parent / "data"
PHOTOS = DATA / "coco_mini" / "images" / "val2017"
WEIGHTS = DATA / "darknet" / "weights"
CFG, NUMBERS, NAMES = (
    WEIGHTS / name for name in ("yolo-fastest-1.1.cfg", "yolo-fastest-1.1.weights", "coco.names")
)

pytestmark = pytest.mark.skipif(
    not (PHOTOS.is_dir() and NUMBERS.exists()),
    reason=f"needs the images and weights of {DATA} (folder data beside YOLO_TF_FIXTURES)",
)


def resized(size: tuple[int, int], kind: str) -> bytes:
    """The first image in another size (width, height)."""
    buffer = io.BytesIO()
    with Image.open(sorted(PHOTOS.glob("*.jpg"))[0]) as image:
        image.convert("RGB").resize(size).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    """All images of COCO, and tiny, large, and very narrow ones."""
    files = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))]
    sizes = ((9, 17), (17, 9), (4000, 3000), (3000, 4000), (100, 1000))
    return [*files, *(resized(size, kind) for size in sizes for kind in ("JPEG", "PNG"))]


@pytest.fixture(scope="module")
def pixels(files) -> list[np.ndarray]:
    return [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in files]


@pytest.fixture(scope="module")
def trained() -> Trained:
    detector, config, *_ = read_darknet(CFG, NUMBERS, NAMES)
    return Trained(detector, config)


@pytest.fixture(scope="module")
def expected(trained, pixels) -> list[dict]:
    found = [trained.detector.detect_arrays([photo]) for photo in pixels]
    likely = [(one["detection_scores"] >= 0.1).sum() for one in found]
    assert np.mean(likely) > 2  # otherwise there would be nothing to compare
    return found


def assert_agrees(found: list[dict], expected: list[dict]):
    arrays = [{name: np.asarray(value) for name, value in one.items()} for one in found]
    pairs = zip(arrays, expected, strict=True)
    assert max(largest_difference(*pair) for pair in pairs) < 1e-3


def test_each_signature_of_the_saved_model(trained, files, pixels, expected, tmp_path):
    FORMATS["saved_model"].write(trained, tmp_path / "saved_model")
    signatures = tf.saved_model.load(str(tmp_path / "saved_model")).signatures
    calls = {
        "serving_default": ({"images": photo[np.newaxis]} for photo in pixels),
        "encoded": ({"encoded_images": np.array([data], object)} for data in files),
        "tf_example": ({"examples": np.array([example(data)], object)} for data in files),
    }
    for name, inputs in calls.items():
        tensors = ({key: tf.constant(value) for key, value in one.items()} for one in inputs)
        assert_agrees([signatures[name](**one) for one in tensors], expected)


@pytest.mark.parametrize("name", ["saved_model", "tflite", "onnx"])
def test_each_format_as_it_is_loaded(trained, pixels, expected, tmp_path, name):
    pytest.importorskip({"tflite": "ai_edge_litert", "onnx": "tf2onnx"}.get(name, "tensorflow"))
    path = tmp_path / FORMATS[name].file
    FORMATS[name].write(trained, path)
    detector = FORMATS[name].read(path, trained.config, trained.detector.class_names)
    assert_agrees([detector.detect_arrays([photo]) for photo in pixels], expected)
