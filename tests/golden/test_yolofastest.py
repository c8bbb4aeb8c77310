"""Real COCO weights with grouped convolutions against OpenCV and Darknet's own C code."""

import functools
import hashlib
from pathlib import Path

import numpy as np
import pytest

from tests.darknet.data import DARKNET, needs_darknet_data
from tests.golden.fixtures import FOLDER, cases, load
from yolo_tf.config import NmsConfig
from yolo_tf.darknet.cfg import read_cfg
from yolo_tf.darknet.head_recipe import head_config
from yolo_tf.darknet.network import build
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.darknet.weights import read_weights
from yolo_tf.detector.detector import Detector
from yolo_tf.heads.yolo.head import YoloHead

# Batch-norm epsilon of the makers of the numbers.
OPENCV, DARKNET_C = 1e-6, 1e-5


@functools.cache
def _detector(
    weights_name: str, sha256: str, input_size: int, conf: float, nms_iou: float, epsilon
):
    """(detector, {stride: number of the layer before its [yolo]}) of the named weights."""
    path = DARKNET / "weights" / Path(weights_name).name
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        pytest.skip(f"{path}: not there, or not the file that the numbers were made with")
    cfg, size = read_cfg(path.with_suffix(".cfg")), (input_size, input_size)
    levels = outputs(plan(cfg, size))
    classes = levels[0].classes
    head = YoloHead(head_config(levels), classes, size)
    channels = {level.stride: head.output_channels(level.stride) for level in levels}
    network = build(cfg, size, channels, bn_epsilon=epsilon)
    read_weights(path, network)
    nms = NmsConfig(score_threshold=conf, iou_threshold=nms_iou)
    detector = Detector(network, head, [str(c) for c in range(classes)], size, nms=nms)
    return detector, {level.stride: level.layer - 1 for level in levels}


def _of(meta, epsilon):
    names = ("weights", "weights_sha256", "input_size", "conf", "nms_iou")
    return _detector(*(meta[name] for name in names), epsilon)


def _images(arrays) -> list[str]:
    return sorted(name.removeprefix("det_") for name in arrays if name.startswith("det_"))


def _image(name: str, size: int) -> np.ndarray:
    arrays, _ = load(FOLDER / f"yolofastest_images_{size}.npz")
    return arrays[name][None].astype(np.float32) / 255


def _check_statistics(arrays, image, raw, layer_of, tolerance):
    for stride, layer in layer_of.items():
        values = raw[stride].numpy().astype(np.float64)
        found = [values.mean(), values.std(), values.min(), values.max()]
        expected = arrays[f"rawstat_{image}_{layer}"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def _check_detections(expected, detector, image):
    """Same classes in the same order; [n, 6] = xmin, ymin, xmax, ymax, score, class."""
    found = {name: value[0].numpy() for name, value in detector.detect_inputs(image).items()}
    count = found["num_detections"]
    np.testing.assert_array_equal(found["detection_classes"][:count], expected[:, 5])
    np.testing.assert_allclose(found["detection_scores"][:count], expected[:, 4], atol=2e-3)
    boxes = expected[:, [1, 0, 3, 2]]
    np.testing.assert_allclose(found["detection_boxes"][:count], boxes, atol=2e-3)


@needs_darknet_data
@pytest.mark.parametrize(
    "path", cases("yolofastest_", exclude=("yolofastest_darknetC", "yolofastest_images"))
)
def test_as_opencv(path):
    arrays, meta = load(path)
    detector, layer_of = _of(meta, OPENCV)
    assert _images(arrays)
    for image in _images(arrays):
        pixels = _image(image, meta["input_size"])
        raw = detector.network(pixels, training=False)
        _check_statistics(arrays, image, raw, layer_of, tolerance=1e-3)
        for stride, layer in layer_of.items():
            if f"raw_{image}_{layer}" in arrays:
                expected = arrays[f"raw_{image}_{layer}"]
                difference = np.abs(raw[stride][0] - expected).max() / np.abs(expected).max()
                assert difference < 1e-4, f"stride {stride}: {difference:.1e} of the largest"
        _check_detections(arrays[f"det_{image}"], detector, pixels)


@needs_darknet_data
@pytest.mark.parametrize("path", cases("yolofastest_darknetC_"))
def test_as_darknet(path):
    arrays, meta = load(path)
    detector, layer_of = _of(meta, DARKNET_C)
    assert _images(arrays)
    for image in _images(arrays):
        pixels = _image(image, meta["input_size"])
        raw = detector.network(pixels, training=False)
        _check_statistics(arrays, image, raw, layer_of, tolerance=1e-3)
        _check_detections(arrays[f"det_{image}"], detector, pixels)
