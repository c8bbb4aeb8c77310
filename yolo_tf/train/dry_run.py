"""Dry run: trains one batch and reports its cost, writing nothing."""

import math
import time
from collections import Counter

import numpy as np
import tf_keras

from yolo_tf.data.records.bad_records import readable_errors
from yolo_tf.data.records.statistics import Statistics
from yolo_tf.train import progress
from yolo_tf.train.progress import duration
from yolo_tf.train.training import Training
from yolo_tf.train.validation import Validation

_EXECUTIONS = 3  # the first is traced, the fastest of the others counts


def report_costs(training: Training, statistics: dict[str, Statistics]) -> None:
    """Trains on one batch, evaluates one if there is a validation split, and prints the costs.

    Raises:
      UserError: whatever a training would raise in its first step.
    """
    config = training.config
    data, settings = config.data, config.train
    _print_flops(forward_flops(training.detector.network))
    with readable_errors(*training.records.values()):
        held = progress.held_memory()
        times = _train(training)
        peak = progress.peak_memory()
        _print_memory(training.detector, held, peak)
        step, first = min(times[1:]), times[0]
        print(
            f"step         {step:.3f} s for {settings.batch_size} images,"
            f" {settings.batch_size / step:.1f} images/s; the first one, with its tracing,"
            f" {first:.1f} s"
        )
        epoch, validation = training.steps * step, 0.0
        if data.val:
            batches = math.ceil(statistics["val"].images / settings.batch_size)
            validation = batches * _evaluate(training)
    print(
        f"epoch        about {duration(epoch)} for {training.steps} steps"
        + (f" and {duration(validation)} for the validation" if data.val else "")
        + ", if the data come as fast"
    )
    evaluations = -(-settings.epochs // settings.evaluate_every)
    whole = settings.epochs * epoch + evaluations * validation
    print(f"training     about {duration(whole)} for {settings.epochs} epochs")
    print(f"dry run      done; nothing was written into {training.run_folder.path}")


def _train(training: Training) -> list[float]:
    """Seconds of each step; several may be one execution."""
    at_once = training.config.train.steps_per_execution
    clock = _Clock()
    training.detector.fit(
        training.dataset(augment=True, one_batch=True),
        steps_per_epoch=_EXECUTIONS * at_once,
        callbacks=[clock, training.alarm()],
        verbose=0,
    )
    first, *others = clock.seconds
    return [first, *(seconds / at_once for seconds in others)]


def _evaluate(training: Training) -> float:
    """Seconds of a batch without tracing."""
    validation = Validation(
        training.records["val"],
        training.config,
        training.detector,
        training.strategy,
        image_path=None,
        one_batch=True,
    )
    validation()
    started = time.perf_counter()
    validation()
    return time.perf_counter() - started


class _Clock(tf_keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_train_batch_begin(self, batch, logs=None):
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds.append(time.perf_counter() - self.started)


def _print_flops(flops: dict[str, int]) -> None:
    kinds = ", ".join(f"{kind} {count / 1e9:.2f}" for kind, count in flops.items())
    total = sum(flops.values()) / 1e9
    print(f"forward pass {total:.2f} GFLOPs an image, a multiply-add counted as two ({kinds})")


def _print_memory(detector, held: int | None, peak: int | None) -> None:
    averages = detector.averages.values if detector.averages else []
    sizes = {
        "weights": detector.network.weights,
        "optimiser": detector.optimizer.variables,
        "averages": averages,
    }
    parts = [f"{name} {_megabytes(values)}" for name, values in sizes.items() if values]
    if held is not None:
        parts.append(
            f"peak of the process {peak / progress.MB:,.0f} MB, of these"
            f" {max(peak - held, 0) / progress.MB:,.0f} MB for the step"
        )
    if gpu := progress.gpu_peak_memory():
        parts.append(f"peak of a GPU {gpu / progress.MB:,.0f} MB")
    print(f"memory       {', '.join(parts)}")


def _megabytes(variables) -> str:
    total = sum(math.prod(value.shape) * value.dtype.size for value in variables)
    return f"{total / progress.MB:,.1f} MB"


def forward_flops(network: tf_keras.Model) -> dict[str, int]:
    """Kind of layer -> floating-point operations of the convolutions of that kind for one image.

    A multiplication and an addition are two, as Darknet counts them. All else in a network
    together is about a hundredth of its convolutions.

    Args:
      network: made of Keras layers, of an input of fixed size.
    """
    found = Counter()
    for layer in network.submodules:
        if isinstance(layer, tf_keras.layers.DepthwiseConv2D):
            products = np.prod(layer.kernel_size)
        elif isinstance(layer, tf_keras.layers.Conv2D):
            products = np.prod(layer.kernel.shape[:-1])
        else:
            continue
        found[type(layer).__name__] += int(2 * products * np.prod(layer.output_shape[1:]))
    return dict(found)
