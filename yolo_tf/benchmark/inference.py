"""Every export of a network, and OpenCV with the same Darknet weights, in turns on one batch."""

import importlib.util
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from yolo_tf.benchmark.timing import call_times, speed
from yolo_tf.export.formats import FORMATS
from yolo_tf.export.trained import Trained
from yolo_tf.files import free_memory

OPENCV = "cv2.dnn"
_LEFT_OUT = ("darknet", "keras")  # what OpenCV runs; not made for detection
_NEEDS = {"tflite": "ai_edge_litert", "onnx": "tf2onnx"}  # start of a format's name -> package
_WARM_UP = 3  # rounds: tracing, the first use of memory, weights laid out anew


def measure_inference(trained: Trained, batches: list[int], repeats: int) -> dict:
    """Times detection on images of the network's size: all of it, suppression included.

    OpenCV's part is the network and the decoding of boxes, without suppression. TensorFlow Lite
    takes the images of a batch one by one.

    Args:
      trained: the model; `calibration` is not used, int8 gets noise, which costs the same.
      batches: images at a time.
      repeats: rounds in turns, each with every format once.

    Returns:
      "batches": batch -> format -> {"images_per_second", "lowest", "highest"; "milliseconds" for
      the batch; "ratio": how many times as fast as OpenCV (None without it), the median of the
      rounds; "float32_ratio": as the SavedModel in float32}; and what was measured.
    """
    with tempfile.TemporaryDirectory() as folder:
        runs = _runs(trained, Path(folder))
        found = {batch: _measure(runs, trained, batch, repeats) for batch in batches}
    return {
        "network": trained.config.model.name,
        "input_size": list(trained.config.input_size),
        "num_classes": len(trained.detector.class_names),
        "repeats": repeats,
        "batches": found,
    }


def _runs(trained: Trained, folder: Path) -> dict[str, Callable[[np.ndarray], object]]:
    """Format -> function of images [B, H, W, 3] float32."""
    random = np.random.default_rng(0)
    shape = [1, *trained.config.input_size, 3]
    noise = [random.random(shape, np.float32) for _ in range(4)]
    model = Trained(trained.detector, trained.config, calibration=lambda: noise)
    names = [name for name in FORMATS if name not in _LEFT_OUT and _installed(name)]
    for name in tqdm(names, desc="exporting", unit="format", leave=False, disable=None):
        FORMATS[name].write(model, folder / FORMATS[name].file)
        free_memory()
    runs = {}
    for name in names:
        path = folder / FORMATS[name].file
        exported = FORMATS[name].read(path, trained.config, trained.detector.class_names)
        runs[name] = _waiting(exported.compiled(exported.detect_inputs))
        free_memory()
    if importlib.util.find_spec("cv2") is not None:
        FORMATS["darknet"].write(model, folder / "darknet")
        runs[OPENCV] = _opencv(folder / "darknet")
    return runs


def _installed(name: str) -> bool:
    package = _NEEDS.get(name.partition("_")[0])
    return package is None or importlib.util.find_spec(package) is not None


def _waiting(detect):
    return lambda images: detect(tf.constant(images))["num_detections"].numpy()


def _opencv(folder: Path):
    import cv2

    net = cv2.dnn.readNetFromDarknet(str(folder / "model.cfg"), str(folder / "model.weights"))
    outputs = net.getUnconnectedOutLayersNames()

    def run(images):
        net.setInput(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        return net.forward(outputs)

    return run


def _measure(runs, trained: Trained, batch: int, repeats: int) -> dict:
    random = np.random.default_rng(1)
    images = random.random([batch, *trained.config.input_size, 3], np.float32)
    times = {name: [] for name in runs}
    for _ in tqdm(range(repeats + _WARM_UP), desc=f"batch {batch}", leave=False, disable=None):
        for name, run in runs.items():
            times[name].append(call_times(lambda run=run: run(images))[0])
    times = {name: np.array(values[_WARM_UP:]) for name, values in times.items()}
    return {name: _summary(values, times, batch) for name, values in times.items()}


def _summary(values: np.ndarray, times: dict, batch: int) -> dict:
    def ratio(name):
        return float(np.median(times[name] / values)) if name in times else None

    return {
        **speed((batch / values).tolist()),
        "milliseconds": statistics.median(values.tolist()) * 1e3,
        "ratio": ratio(OPENCV),
        "float32_ratio": ratio("saved_model"),
    }
