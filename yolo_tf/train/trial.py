"""A training tried out: all is built and one batch trained, and nothing is written."""

import math
import time

import tf_keras

from yolo_tf.data.bad_records import readable_errors
from yolo_tf.data.statistics import Statistics
from yolo_tf.train import memory
from yolo_tf.train.flops import forward_flops
from yolo_tf.train.progress import duration
from yolo_tf.train.training import Training
from yolo_tf.train.validation import Validation

_EXECUTIONS = 3  # the first is traced, the fastest of the others counts


def try_out(training: Training, statistics: dict[str, Statistics]) -> None:
    """Trains on one batch, evaluates one if there is a validation split, and prints the costs.

    Raises:
      UserError: whatever a training would raise in its first step.
    """
    config = training.config
    data, settings = config.data, config.train
    _print_flops(forward_flops(training.detector.network))
    with readable_errors([data.train, data.val], training.detector.class_names, data.labels):
        held = memory.held_memory()
        times = _train(training)
        peak = memory.peak_memory()
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
        training.config, training.detector, training.strategy, picture_path=None, one_batch=True
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
            f"peak of the process {peak / memory.MB:,.0f} MB, of these"
            f" {max(peak - held, 0) / memory.MB:,.0f} MB for the step"
        )
    if gpu := memory.gpu_peak_memory():
        parts.append(f"peak of a GPU {gpu / memory.MB:,.0f} MB")
    print(f"memory       {', '.join(parts)}")


def _megabytes(variables) -> str:
    total = sum(math.prod(value.shape) * value.dtype.size for value in variables)
    return f"{total / memory.MB:,.1f} MB"
