"""Detectors as SavedModels: photos in, detections out, nothing else needed to serve them.

Beside the graph and the weights an export holds, in `assets.extra`, the recipe (config.yaml) and
the class names (classes.txt).
"""

import os
import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

from yolo_tf.build import build_detector
from yolo_tf.config import Config
from yolo_tf.detector import Detector
from yolo_tf.errors import UserError
from yolo_tf.ops import resize
from yolo_tf.recipe_files import CLASSES, CONFIG, read_recipe, write_recipe

_EXTRA = "assets.extra"  # TensorFlow Serving leaves this folder alone
_TOLERANCE = 1e-4  # largest difference of a box coordinate or score in the self-check


def make_module(detector: Detector) -> tf.Module:
    """What is saved: functions for the signatures and for `load_export`, and the variables."""
    to_input = resize.RESIZES[detector.resize_method]
    height, width = detector.input_size

    def read(encoded):
        photo = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        photo.set_shape([None, None, 3])
        return to_input(photo, detector.input_size)

    def detect_encoded(encoded_images):
        specs = (tf.TensorSpec([height, width, 3]), tf.TensorSpec([4]))
        images, windows = tf.map_fn(read, encoded_images, fn_output_signature=specs)
        return detector.to_photos(detector.detect_inputs(images), windows)

    # Only the functions and the variables: a Keras model would be saved with all its layers.
    module = tf.Module()
    module.ordered_variables = detector.network.weights
    module.detect_photos = tf.function(
        detector.detect_photos, [tf.TensorSpec([None, None, None, 3], tf.uint8, "images")]
    )
    module.detect_inputs = tf.function(
        detector.detect_inputs, [tf.TensorSpec([None, height, width, 3], tf.float32, "inputs")]
    )
    module.detect_encoded = tf.function(
        detect_encoded, [tf.TensorSpec([None], tf.string, "encoded_images")]
    )
    return module


class ExportedDetector(Detector):
    """A detector whose detections come from the graph of an export."""

    def __init__(self, saved, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._saved = [saved]  # in a list, so that Keras does not track its variables twice

    def detect_inputs(self, images):
        return self._saved[0].detect_inputs(images)

    def detect_photos(self, photos):
        photos = tf.convert_to_tensor(photos)
        if photos.dtype != tf.uint8:
            photos = tf.cast(tf.round(tf.clip_by_value(photos, 0.0, 1.0) * 255.0), tf.uint8)
        return self._saved[0].detect_photos(photos)


def export(detector: Detector, config: Config, output: Path) -> None:
    """Writes a SavedModel, loads it again and compares its detections with the detector's.

    Signatures: "serving_default" takes `images` uint8 [B, H, W, 3], "encoded" takes
    `encoded_images` string [B]. Both return detection_boxes [B, K, 4] yxyx normalised to the
    original image, detection_scores [B, K], detection_classes [B, K] int32 (padding -1) and
    num_detections [B] int32.

    Raises:
      UserError: `output` exists and is no export, or the export detects otherwise.
    """
    output = Path(output).absolute()
    free = not output.exists() or (output.is_dir() and not any(output.iterdir()))
    if not free and not is_export(output):
        raise UserError(f"--output={output}: exists and is not an export; name another folder")
    temporary, old = (output.with_name(f".{output.name}.{end}") for end in ("tmp", "old"))
    for folder in (temporary, old):
        shutil.rmtree(folder, ignore_errors=True)
    module = make_module(detector)
    signatures = {"serving_default": module.detect_photos, "encoded": module.detect_encoded}
    tf.saved_model.save(module, str(temporary), signatures=signatures)
    extra = temporary / _EXTRA
    extra.mkdir()
    write_recipe(extra, config, detector.class_names)
    _self_check(detector, temporary)
    if output.exists():
        os.rename(output, old)
    os.rename(temporary, output)
    shutil.rmtree(old, ignore_errors=True)


def is_export(path: Path) -> bool:
    return (path / "saved_model.pb").exists()


def load_export(path: Path) -> ExportedDetector:
    """The detector of an export, with the export's weights and its graph.

    Raises:
      UserError: a SavedModel that `export` did not write, or a damaged one.
    """
    extra = path / _EXTRA
    for name in (CONFIG, CLASSES):
        if not (extra / name).exists():
            raise UserError(f"{path}: a SavedModel, but without {_EXTRA}/{name}; not ours")
    config, class_names = read_recipe(extra)
    plain = build_detector(config, class_names)
    try:
        saved = tf.saved_model.load(str(path))
        plain.network.set_weights([variable.numpy() for variable in saved.ordered_variables])
    except (OSError, tf.errors.OpError, ValueError, AttributeError, RuntimeError) as error:
        first = str(error).partition("\n")[0]
        raise UserError(f"{path}: damaged SavedModel, not readable: {first}") from None
    return ExportedDetector(
        saved,
        plain.network,
        plain.head,
        class_names,
        config.input_size,
        config.data.resize,
        config.nms,
    )


def _self_check(detector: Detector, path: Path) -> None:
    """Refuses an export that detects otherwise than the detector, by either signature."""
    saved = tf.saved_model.load(str(path))
    random = np.random.default_rng(0)
    for batch, height, width in ((1, *detector.input_size), (2, 97, 61)):
        # Rectangles on noise, since noise alone gives hardly any detections.
        photos = random.integers(0, 255, (batch, height, width, 3), np.uint8)
        photos[:, height // 4 : height // 2, width // 4 : width // 2] = (200, 40, 40)
        encoded = tf.stack([tf.io.encode_png(photo) for photo in photos])
        expected = detector.detect_arrays(photos)
        for name, argument in (("serving_default", photos), ("encoded", encoded)):
            found = saved.signatures[name](tf.convert_to_tensor(argument))
            difference = _difference({k: v.numpy() for k, v in found.items()}, expected)
            if not difference <= _TOLERANCE:
                shutil.rmtree(path)
                raise UserError(
                    f"export refused: signature {name}: a detection differs by {difference:.2g}"
                    f" from the detector's (at most {_TOLERANCE:g}) on {batch} photos of"
                    f" {height}x{width}"
                )


def _difference(found: dict, expected: dict) -> float:
    """Largest difference of a detection from the nearest one on the other side.

    Not row by row: where two scores are all but equal, their order means nothing.
    """
    rows = [
        np.concatenate([d["detection_boxes"], d["detection_scores"][..., np.newaxis]], axis=-1)
        for d in (found, expected)
    ]
    classes = [d["detection_classes"] for d in (found, expected)]
    distance = np.abs(rows[0][:, :, np.newaxis] - rows[1][:, np.newaxis]).max(axis=-1)
    distance += classes[0][:, :, np.newaxis] != classes[1][:, np.newaxis]
    counts = np.abs(found["num_detections"] - expected["num_detections"]).max()
    return max(distance.min(axis=1).max(), distance.min(axis=2).max(), counts)
