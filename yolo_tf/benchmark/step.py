"""The train step against the bare network's forward pass, backward pass and update."""

import statistics

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from yolo_tf.benchmark.timing import call_times, speed
from yolo_tf.config import Config
from yolo_tf.detector.build import build_detector
from yolo_tf.detector.detector import Detector
from yolo_tf.train.optimizers import make_optimizer
from yolo_tf.train.precision import make_deterministic
from yolo_tf.train.progress import peak_memory

_WARM_UP = 2  # pairs of steps: tracing, and the first use of memory


def measure_step(config: Config, batch_size: int, num_classes: int, repeats: int) -> dict:
    """Runs both kinds of step in turns, on one network with one optimiser and one batch.

    The other work of a shared machine disturbs both alike. The order changes with each pair, and
    a pair's ratio compares neighbours in time. Processor time leaves out what others used, and
    the fastest steps are those that were disturbed least.

    Args:
      repeats: pairs of steps.

    Returns:
      "bare", "train": as `timing.speed`, with "seconds", the median of a step, and
      "processor_seconds", that of all threads together; "ratio": of the medians, train / bare;
      "pair_ratio": [quarter, median, three quarters] of the pairs' ratios; "fastest_ratio": of
      the fastest steps; "processor_ratio": of the medians of processor time; "peak_memory"
      bytes; "parameters"; and the sizes.
    """
    detector = build_detector(config, [f"class {n}" for n in range(num_classes)])
    # At rate 0 an update does all its arithmetic, and each step the same work as the one before.
    detector.compile(optimizer=make_optimizer(config.train.optimizer, learning_rate=0.0))
    batch = make_batch(detector, batch_size, config.data.max_boxes)
    steps = {"bare": bare_step(detector, batch["image"]), "train": train_step(detector, batch)}
    times = {name: [] for name in steps}
    label = f"{config.model.name} steps"
    for pair in tqdm(range(repeats + _WARM_UP), desc=label, unit="pair", leave=False):
        for name in sorted(steps, reverse=bool(pair % 2)):
            times[name].append(call_times(steps[name]))
    times = {name: np.array(values[_WARM_UP:]) for name, values in times.items()}
    wall = {name: values[:, 0] for name, values in times.items()}
    result = {name: _summary(values, batch_size) for name, values in times.items()}
    pairs = np.quantile(wall["train"] / wall["bare"], [0.25, 0.5, 0.75])
    bare, train = result["bare"], result["train"]
    return {
        "network": config.model.name,
        "input_size": list(config.input_size),
        "batch_size": batch_size,
        "num_classes": num_classes,
        "boxes": config.data.max_boxes,
        "repeats": repeats,
        "parameters": detector.network.count_params(),
        **result,
        "ratio": train["seconds"] / bare["seconds"],
        "pair_ratio": pairs.tolist(),
        "fastest_ratio": bare["highest"] / train["highest"],
        "processor_ratio": train["processor_seconds"] / bare["processor_seconds"],
        "peak_memory": peak_memory(),
    }


def make_batch(detector: Detector, batch_size: int, max_boxes: int) -> dict:
    """A batch as `Detector.train_step` takes it: noise, about 10 boxes an image, targets."""
    boxes, classes = random_boxes(batch_size, max_boxes, len(detector.class_names))
    pixels = np.random.default_rng(0).random([batch_size, *detector.input_size, 3], np.float32)
    return {
        "image": tf.constant(pixels),
        "targets": detector.head.encode(tf.constant(boxes), tf.constant(classes)),
        "image_key": tf.range(1, batch_size + 1, dtype=tf.int64),
    }


def bare_step(detector: Detector, images: tf.Tensor):
    """Function that runs one step of the network alone; the loss is the outputs' mean square."""
    network, optimizer = detector.network, detector.optimizer

    @tf.function(autograph=False)
    def step(images):
        with tf.GradientTape() as tape:
            outputs = network(images, training=True)
            loss = tf.add_n([tf.reduce_mean(tf.square(raw)) for raw in outputs.values()])
        optimizer.minimize(loss, network.trainable_variables, tape=tape)
        return loss

    return lambda: _wait(step(images), detector)


def train_step(detector: Detector, batch: dict):
    """Function that runs one step of training, as the `train` command runs it."""
    make_deterministic()
    function = detector.make_train_function()
    batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
    return lambda: _wait(function(batches)["loss"], detector)


def _wait(loss: tf.Tensor, detector: Detector) -> float:
    """The loss; on a GPU, only when the update is done too."""
    detector.network.trainable_variables[-1].numpy()
    return float(loss)


def _summary(times: np.ndarray, batch_size: int) -> dict:
    return {
        **speed((batch_size / times[:, 0]).tolist()),
        "seconds": statistics.median(times[:, 0].tolist()),
        "processor_seconds": statistics.median(times[:, 1].tolist()),
    }


_FEWEST, _MOST = 1, 19  # boxes an image, 10 on average


def random_boxes(batch: int, limit: int, num_classes: int, seed: int = 0):
    """Padded boxes of one batch.

    Args:
      limit: rows an image; images have 1 to 19 boxes, at most `limit`.

    Returns:
      boxes [batch, limit, 4] float32 yxyx normalised, all zero where padding;
      classes [batch, limit] int32, -1 where padding.
    """
    random = np.random.default_rng(seed)
    low = random.uniform(0.0, 0.6, [batch, limit, 2])
    boxes = np.concatenate([low, low + random.uniform(0.02, 0.4, low.shape)], axis=-1)
    classes = random.integers(0, num_classes, [batch, limit])
    counts = random.integers(_FEWEST, _MOST + 1, [batch, 1])
    real = np.arange(limit) < counts
    boxes = np.where(real[..., None], boxes, 0.0).astype(np.float32)
    return boxes, np.where(real, classes, -1).astype(np.int32)
