"""Image to detections against the network alone: what resizing, decoding and suppression cost.

A network of random weights finds nothing, so its last convolutions get kernels and biases whose raw
outputs spread as a trained model's (`calibrate`), and the result states how many candidates that
made. For comparison: yolo-fastest-1.1, as its author trained it on COCO's 80 classes, has at
416x416 on 100 images of COCO in the median 1,300 candidates above 0.001 (at most 5,400) and 15
above 0.25 (at most 74).
"""

import statistics
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tqdm import tqdm

from yolo_tf.benchmark.timing import call_times
from yolo_tf.config import Config, YoloHeadConfig
from yolo_tf.detector.build import build_detector
from yolo_tf.detector.detector import Detector
from yolo_tf.errors import UserError
from yolo_tf.ops import resize
from yolo_tf.ops.candidates import CandidateConfig

THRESHOLDS = {"evaluation": 0.001, "detection": 0.25}  # what for -> score above which boxes count
IMAGE_SIZE = (480, 640)  # height, width
# Mean and deviation of raw boxes, objectness and class logits over the cells. Objectness is then
# moved, so that as many boxes as a trained model takes for possible are above a logit.
_BOX, _OBJECTNESS, _CLASS = (0.0, 0.5), (0.0, 2.0), (-10.0, 2.5)
_POSSIBLE, _POSSIBLE_LOGIT = 400, -4.5
_WARM_UP = 5  # rounds: the first use of memory


def measure_detection(config: Config, num_classes: int, repeats: int) -> dict:
    """Times, in turns, image to detections at each threshold, its parts, and the network alone.

    One image a call; weights are constants of the graphs, as an export may have them.

    Args:
      config: a recipe with a YOLO head.
      repeats: rounds.

    Returns:
      "network_seconds", the median; by the names of `THRESHOLDS`: "seconds", the median; "share"
      of it that is not the network; "quartiles" [2] of the share over the rounds; "parts", the
      seconds that "resize", "candidates" (from raw outputs) and "suppression" add to a graph that
      ends before them, which may come out below 0 on a busy machine; "candidates" above the
      threshold and "detections", counts; sizes.

    Raises:
      UserError: another head.
    """
    if not isinstance(config.head, YoloHeadConfig):
        raise UserError(f"config.head: found {type(config.head).__name__}, expected YoloHeadConfig")
    detector = build_detector(config, [f"class {n}" for n in range(num_classes)])
    random = np.random.default_rng(0)
    image = tf.constant(random.integers(0, 256, (1, *IMAGE_SIZE, 3), np.uint8))
    calls, counts = _calls(detector, image)
    times = {name: [] for name in calls}
    for _ in tqdm(range(repeats + _WARM_UP), desc=config.model.name, unit="round", leave=False):
        for name, call in calls.items():
            times[name].append(call_times(call)[0])
    times = {name: np.array(values[_WARM_UP:]) for name, values in times.items()}
    return {
        "network": config.model.name,
        "input_size": list(config.input_size),
        "image_size": list(IMAGE_SIZE),
        "num_classes": num_classes,
        "repeats": repeats,
        "network_seconds": statistics.median(times["network"]),
        **{name: {**_shares(name, times), **counts[name]} for name in THRESHOLDS},
    }


def calibrate(detector: Detector, images: tf.Tensor) -> None:
    """Last convolutions whose raw outputs on `images` [B, H, W, 3] spread as a trained model's."""
    classes, box_values = len(detector.class_names), detector.head.box_channels - 1
    fields = box_values + 1 + classes
    spread = np.array([_BOX] * box_values + [_OBJECTNESS] + [_CLASS] * classes, np.float32)
    objectness = []
    for stride, raw in detector.network(images, training=False).items():
        raw = raw.numpy().reshape(-1, raw.shape[-1])
        mean, deviation = np.tile(spread, [raw.shape[1] // fields, 1]).T
        scale = deviation / np.maximum(raw.std(axis=0), 1e-9)
        shift = mean - scale * raw.mean(axis=0)
        _change_output(detector, stride, scale, shift)
        objectness.append((raw * scale + shift)[:, box_values::fields].ravel())
    objectness = np.sort(np.concatenate(objectness))
    move = np.zeros(fields, np.float32)
    move[box_values] = _POSSIBLE_LOGIT - objectness[-min(_POSSIBLE, len(objectness))]
    for stride, raw in detector.network.output.items():
        _change_output(detector, stride, 1.0, np.tile(move, raw.shape[-1] // fields))


def _change_output(detector: Detector, stride: int, scale, shift) -> None:
    """Raw outputs of a level become `scale` times as large, plus `shift`, by channel."""
    layer = detector.network.output[stride].node.layer
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel * scale, bias * scale + shift])


def frozen(function: Callable, *arguments: tf.Tensor) -> Callable:
    """Function without arguments: one call on `arguments`, variables as constants in its graph."""
    shapes = [
        [None, None, None, 3] if value.dtype == tf.uint8 else [None, *value.shape[1:]]
        for value in arguments
    ]
    types = [value.dtype for value in arguments]
    specs = [tf.TensorSpec(*spec) for spec in zip(shapes, types, strict=True)]
    traced = tf.function(function, specs, autograph=False).get_concrete_function()
    graph = convert_variables_to_constants_v2(traced)
    return lambda: graph(*arguments)


def _calls(detector: Detector, image: tf.Tensor) -> tuple[dict, dict]:
    """Name -> what is timed, and name of the threshold -> counts."""

    def to_input(image):
        return resize.RESIZES[detector.resize_method](image, detector.input_size)[0]

    def to_outputs(images):
        return detector.network(images, training=False)

    images = to_input(image)
    calibrate(detector, images)
    scores = detector.head.decode(to_outputs(images))[1]
    calls = {
        "network": frozen(to_outputs, images),
        "resize": frozen(lambda image: to_outputs(to_input(image)), image),
    }
    counts = {}
    for name, threshold in THRESHOLDS.items():
        detector.nms = replace(detector.nms, score_threshold=threshold)
        config = CandidateConfig.of(vars(detector.nms))

        def find(image, config=config):
            return detector.head.candidates(to_outputs(to_input(image)), config)

        calls[f"{name} candidates"] = frozen(find, image)
        calls[name] = frozen(detector.detect_images, image)
        counts[name] = {
            "candidates": int(tf.math.count_nonzero(scores > threshold)),
            "detections": int(detector.detect_images(image)["num_detections"][0]),
        }
    return calls, counts


def _shares(name: str, times: dict[str, np.ndarray]) -> dict:
    steps = ("network", "resize", f"{name} candidates", name)
    network, resized, found, all_ = (statistics.median(times[step]) for step in steps)
    quartiles = np.quantile(1 - times["network"] / times[name], [0.25, 0.75])
    return {
        "seconds": all_,
        "share": 1 - network / all_,
        "quartiles": quartiles.tolist(),
        "parts": {
            "resize": resized - network,
            "candidates": found - resized,
            "suppression": all_ - found,
        },
    }
