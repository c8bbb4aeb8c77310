"""Detectors as ONNX models: resized images in, detections out."""

import importlib.util
from pathlib import Path

import numpy as np
import tensorflow as tf

from yolo_tf.config import Config
from yolo_tf.errors import UserError
from yolo_tf.export.fold import frozen
from yolo_tf.export.graph_detector import GraphDetector, check_outputs
from yolo_tf.export.trained import RAW_DETECTIONS, Trained

_INPUT = "images"
_OPSET = 18  # of 2022: what runtimes of the last years read


def write(trained: Trained, path: Path) -> None:
    """Writes a model of one input, `images` float32 [B, H, W, 3] in [0, 1], any B.

    It returns what `Trained.output_names` says, boxes normalised to the input.

    Raises:
      UserError: tf2onnx is not installed.
    """
    _check_installed("tf2onnx", path)
    import tf2onnx

    network = frozen(trained.network)
    names = trained.output_names
    signature = [tf.TensorSpec([None, *trained.detector.input_size, 3], tf.float32, _INPUT)]

    @tf.function(input_signature=signature, autograph=False)
    def detect(images):
        return dict(zip(names, trained.detect_outputs(network(images)), strict=True))

    model, _ = tf2onnx.convert.from_function(detect, input_signature=signature, opset=_OPSET)
    path.write_bytes(model.SerializeToString())


def read(path: Path, config: Config, class_names: list[str]) -> GraphDetector:
    """The detector of an ONNX model that `write` made, run by onnxruntime.

    Raises:
      UserError: onnxruntime is not installed, or the file is damaged or not ours.
    """
    _check_installed("onnxruntime", path)
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - its own classes, of no common base
        first = str(error).partition("\n")[0]
        raise UserError(f"{path}: not readable as an ONNX model: {first}") from None
    found = {one.name: tuple(one.shape[1:]) for one in session.get_inputs()}
    expected = {_INPUT: (*config.input_size, 3)}
    if found != expected:
        raise UserError(
            f"{path}: takes {found}, expected {expected}; is it of another export, or not ours?"
        )
    names = [one.name for one in session.get_outputs()]

    def detect(images: np.ndarray):
        return dict(zip(names, session.run(names, {_INPUT: images}), strict=True))

    try:
        check_outputs(
            path, detect(np.zeros([1, *config.input_size, 3], np.float32)), len(class_names)
        )
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        first = str(error).partition("\n")[0]
        raise UserError(f"{path}: does not run as an ONNX model of ours: {first}") from None
    suppressed = not set(RAW_DETECTIONS) <= set(names)
    return GraphDetector(detect, suppressed, config, class_names)


def _check_installed(package: str, path: Path) -> None:
    if importlib.util.find_spec(package) is None:
        raise UserError(f"{path}: needs {package}: pip install 'yolo_tf[onnx]'")
