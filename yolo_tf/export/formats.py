"""The formats of an export by name; a new one is a file with `write` and `read`, and a line."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.detect.base import BaseDetector
from yolo_tf.export import darknet_files as darknet
from yolo_tf.export import keras_weights, onnx_model, saved_model, tflite
from yolo_tf.export.int8_errors import first_bad_layer
from yolo_tf.export.trained import Trained


@dataclass(frozen=True)
class ExportFormat:
    """How a model is written and read again.

    Attributes:
      file: its name in the folder of the export.
      write: makes the file, or the folder, at a path.
      read: path, recipe and class names -> what detects with it.
      tolerance: how much lower its AP50 may be than the model's.
      exact: whether it computes in float32: its detections are the model's but for rounding.
      explain: what of the model a refused export has lost first; "": not known.
    """

    file: str
    write: Callable[[Trained, Path], object]
    read: Callable[[Path, Config, list[str]], BaseDetector]
    tolerance: float = 0.001
    exact: bool = True
    explain: Callable[[Trained], str] | None = None


FORMATS = {
    "saved_model": ExportFormat("saved_model", saved_model.write, saved_model.read),
    "saved_model_bfloat16": ExportFormat(
        "saved_model_bfloat16",
        partial(saved_model.write, policy="bfloat16"),
        saved_model.read,
        tolerance=0.005,
        exact=False,
    ),
    "tflite": ExportFormat("model.tflite", tflite.write, tflite.read),
    "tflite_float16": ExportFormat(
        "model_float16.tflite",
        partial(tflite.write, numbers="float16"),
        tflite.read,
        tolerance=0.005,
        exact=False,
    ),
    "tflite_int8": ExportFormat(
        "model_int8.tflite",
        partial(tflite.write, numbers="int8"),
        tflite.read,
        tolerance=0.03,
        exact=False,
        explain=first_bad_layer,
    ),
    "onnx": ExportFormat("model.onnx", onnx_model.write, onnx_model.read),
    "darknet": ExportFormat("darknet", darknet.write, darknet.read),
    "keras": ExportFormat("model.weights.h5", keras_weights.write, keras_weights.read),
}
