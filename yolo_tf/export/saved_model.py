"""Detectors as SavedModels: images in, detections out, nothing else needed to serve them.

The weights are variables: as constants of the graph they would pass through protocol buffers, which
takes about thirty times their size in memory to write and to load. In `assets.extra`, which
TensorFlow Serving leaves alone, lie the recipe (config.yaml) and the class names (classes.txt).
"""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from yolo_tf.config import Config
from yolo_tf.data.decode import decode_image
from yolo_tf.detect.base import BaseDetector
from yolo_tf.errors import UserError
from yolo_tf.export.checksums import SUMS, check_sums, write_sums
from yolo_tf.export.fold import folded
from yolo_tf.export.graph_detector import check_outputs
from yolo_tf.export.operations import check_operations
from yolo_tf.export.trained import Trained
from yolo_tf.ops import resize
from yolo_tf.patterns import plain_name
from yolo_tf.runs.recipe_files import CLASSES, CONFIG, read_recipe, write_recipe

EXTRA = "assets.extra"
_GRAPH = "saved_model.pb"
# Constant weights are faster, since oneDNN lays them out once, but cost ten times their size in
# memory while they are put into the graph: for networks up to this size.
_FROZEN_BYTES = 100_000_000
# What TensorFlow raises on damaged and foreign models.
_LOAD_ERRORS = (OSError, tf.errors.OpError, ValueError, RuntimeError, KeyError)


def write(trained: Trained, path: Path, policy: str = "float32") -> None:
    """Writes a SavedModel.

    Its signatures differ in what they take: "serving_default" `images` uint8 [B, H, W, 3],
    "encoded" `encoded_images` string [B] (JPEG, PNG, BMP), "tf_example" `examples` string [B],
    serialised tf.Example with such bytes as `image/encoded`. All return
    detection_boxes [B, K, 4] yxyx normalised to the original image, detection_scores [B, K],
    detection_classes [B, K] int32 (padding -1) and num_detections [B] int32.

    Args:
      path: of the folder, which must not exist.
      policy: precision of the network, see `fold.folded`.
    """
    detector = trained.detector
    network = trained.network if policy == "float32" else folded(detector, trained.config, policy)
    module = _module(detector, network)
    signatures = {
        "serving_default": module.detect_photos,
        "encoded": module.detect_encoded,
        "tf_example": module.detect_examples,
    }
    # Nobody trains an export: no gradients of our own.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(path), signatures=signatures, options=options)
    extra = path / EXTRA
    extra.mkdir()
    write_recipe(extra, trained.config, detector.class_names)
    files = [file for file in path.rglob("*") if file.is_file() and file.parent != extra]
    write_sums(path, files, extra / SUMS)


def _module(detector, network) -> tf.Module:
    """What is saved: the functions of the signatures and of `SavedModelDetector`."""
    to_input = resize.RESIZES[detector.resize_method]
    height, width = detector.input_size

    def detect_inputs(images):
        return detector.detect_outputs(network(images, training=False))

    def detect_photos(originals):
        images, placements = to_input(originals, detector.input_size)
        return detector.to_images(detect_inputs(images), placements)

    def read(encoded):
        is_bmp = tf.strings.substr(encoded, 0, 2) == b"BM"  # not compressed: needs no bound
        original = tf.cond(
            is_bmp, lambda: tf.io.decode_bmp(encoded, channels=3), lambda: decode_image(encoded)
        )
        return to_input(tf.ensure_shape(original, [None, None, 3]), detector.input_size)

    def detect_encoded(encoded_images):
        specs = (tf.TensorSpec([height, width, 3]), tf.TensorSpec([4]))
        images, placements = tf.map_fn(read, encoded_images, fn_output_signature=specs)
        return detector.to_images(detect_inputs(images), placements)

    def detect_examples(examples):
        features = {"image/encoded": tf.io.FixedLenFeature([], tf.string)}
        return detect_encoded(tf.io.parse_example(examples, features)["image/encoded"])

    def spec(name, shape, dtype):
        return [tf.TensorSpec([None, *shape], dtype, name)]

    # Only the functions: a Keras model would be saved with all its layers. Exports on disks have
    # these names.
    module = tf.Module()
    module.weights = network.weights
    for function, *argument in (
        (detect_photos, "images", [None, None, 3], tf.uint8),
        (detect_inputs, "inputs", [height, width, 3], tf.float32),
        (detect_encoded, "encoded_images", [], tf.string),
        (detect_examples, "examples", [], tf.string),
    ):
        setattr(module, function.__name__, tf.function(function, spec(*argument), autograph=False))
    return module


class SavedModelDetector(BaseDetector):
    """Detects by the graph of a SavedModel."""

    fixed_nms = True

    def __init__(self, saved, config: Config, class_names: list[str]):
        super().__init__(class_names, config.input_size, config.data.resize, config.nms)
        self._saved = saved
        self._functions = {}
        weights = getattr(saved, "weights", [])  # exports of older versions have constants
        size = sum(one.dtype.size * one.shape.num_elements() for one in weights)
        self._to_constants = 0 < size <= _FROZEN_BYTES

    def detect_inputs(self, images):
        return self._function("detect_inputs")(images)

    def detect_images(self, originals):
        originals = tf.convert_to_tensor(originals)
        if originals.dtype != tf.uint8:
            originals = tf.cast(tf.round(tf.clip_by_value(originals, 0.0, 1.0) * 255.0), tf.uint8)
        return self._function("detect_photos")(originals)

    def _function(self, name: str) -> Callable:
        """A function of the SavedModel, with constant weights where these are few."""
        if name not in self._functions:
            function = getattr(self._saved, name)
            self._functions[name] = _constant(function) if self._to_constants else function
        return self._functions[name]


def _constant(function) -> Callable:
    concrete = function.get_concrete_function()
    with tf.init_scope():  # also where it is first called in a tf.function of somebody
        run = convert_variables_to_constants_v2(concrete)
    outputs = concrete.structured_outputs
    return lambda images: tf.nest.pack_sequence_as(outputs, run(images))


def is_saved_model(path: Path) -> bool:
    return (path / _GRAPH).exists()


def read(
    path: Path,
    config: Config | None = None,
    class_names: list[str] | None = None,
    trust: bool = False,
) -> SavedModelDetector:
    """The detector of a SavedModel that `write` made, with the recipe that lies in it.

    Args:
      trust: also load one with operations that `write` does not use: they may do anything.

    Raises:
      UserError: another SavedModel, or a damaged one.
    """
    del config, class_names
    extra = path / EXTRA
    for name in (CONFIG, CLASSES):
        if not (extra / name).exists():
            raise UserError(f"{path}: a SavedModel, but without {EXTRA}/{name}; not ours")
    config, class_names = read_recipe(extra)
    check_sums(path, extra / SUMS)
    if not trust:
        check_operations(path)
    try:
        with plain_name(path) as folder:
            saved = tf.saved_model.load(str(folder))
        detector = SavedModelDetector(saved, config, class_names)
        inputs, originals = (1, *config.input_size, 3), (1, 2, 3, 3)
        for detect, images in (
            (saved.detect_inputs, tf.zeros(inputs)),
            (saved.detect_photos, tf.zeros(originals, tf.uint8)),
        ):
            check_outputs(path, detect(images), len(class_names))
    except UserError:
        raise
    except (AttributeError, TypeError) as error:
        raise UserError(f"{path}: a SavedModel, but not ours: {_first_line(error)}") from None
    except _LOAD_ERRORS as error:
        text = _first_line(error)
        raise UserError(f"{path}: damaged SavedModel, not readable: {text}") from None
    return detector


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
