"""How many images an update can have in the memory that is free: measured on single steps."""

import threading
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from yolo_tf.config import Config
from yolo_tf.detector.build import build_detector
from yolo_tf.errors import UserError
from yolo_tf.train.progress import gpu_peak_memory, held_memory

_SIZES = (2, 6)  # images of the two steps: their difference tells what an image takes
_PART = 0.5  # of the free memory; the rest is for the input pipeline and the evaluation
_INTERVAL = 0.005  # seconds between two looks at the memory


def measured_batch(config: Config, most: int) -> tuple[int, str]:
    """The largest power of 2 whose training step takes up to half of the memory that is free.

    On GPUs the memory that TensorFlow may take is not told; there larger steps are tried until one
    does not fit, and half of the largest is taken.

    Args:
      config: the recipe; its class count hardly changes the memory.
      most: images.

    Returns:
      The batch size, from 1 to `most`, and a text about how it was found.

    Raises:
      UserError: the system does not tell its memory.
    """
    step = _training_step(config)
    if gpu_peak_memory() is not None:
        return _largest_on_gpu(step, most)
    free = _free_memory()
    if free is None or held_memory() is None:
        raise UserError("--batch=auto: this system does not tell its memory; give --batch=N")
    step(_SIZES[0])  # traced
    few, many = (_peak_of(step, size) for size in _SIZES)
    image = max((many - few) / (_SIZES[1] - _SIZES[0]), 1e6)
    size = _power_of_2(min(_PART * free / image, most))
    return size, f"an image takes {image / 1e6:,.0f} MB in a step, {free / 1e9:.1f} GB are free"


def _training_step(config: Config):
    """Function (number of images) that computes the loss and gradients of a batch."""
    detector = build_detector(config, ["object"])
    height, width = config.input_size
    boxes = config.data.max_boxes
    head, network = detector.head, detector.network

    @tf.autograph.experimental.do_not_convert
    def gradients(images):
        count = tf.shape(images)[0]
        truths = tf.tile([[[0.25, 0.25, 0.75, 0.75]]], [count, boxes, 1])
        targets = head.encode(truths, tf.zeros([count, boxes], tf.int32))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(head.loss(targets, network(images, training=True))["loss"])
        found = tape.gradient(loss, network.trainable_variables)
        return tf.linalg.global_norm([value for value in found if value is not None])

    spec = tf.TensorSpec([None, height, width, 3], tf.float32)
    gradients = tf.function(gradients, input_signature=[spec])
    random = np.random.default_rng(0)  # a batch without any variance has no finite gradient

    def step(size: int) -> float:
        images = random.random([size, height, width, 3], np.float32)
        return gradients(images).numpy()

    return step


def _largest_on_gpu(step, most: int) -> tuple[int, str]:
    size = 1
    try:
        while size <= 2 * most:
            step(size)
            size *= 2
    except tf.errors.ResourceExhaustedError:
        fits = max(size // 4, 1)
        return fits, f"{size} images do not fit into the GPU, half of what does is taken"
    return most, f"{2 * most} images fit into the GPU"


def _peak_of(step, size: int) -> int:
    """Most memory that the process held during a step, in bytes."""
    peak, done = [held_memory()], threading.Event()

    def watch():
        while not done.is_set():
            peak.append(held_memory())
            time.sleep(_INTERVAL)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        step(size)
    finally:
        done.set()
        watcher.join()
    return max(peak)


def _free_memory() -> int | None:
    """Memory of the machine that is free, in bytes; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    free = next((line for line in lines if line.startswith("MemAvailable")), "")
    return int(free.split()[1]) * 1024 if free else None


def _power_of_2(number: float) -> int:
    return 1 << max(int(number).bit_length() - 1, 0)
