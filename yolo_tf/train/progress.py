"""How fast a training goes, what it holds in memory, and results.csv and results.png.

A line is printed for each finished epoch.
"""

import math
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import tensorflow as tf
import tf_keras

from yolo_tf.progress import Bar
from yolo_tf.runs.checkpoint import State
from yolo_tf.runs.folder import RunFolder
from yolo_tf.runs.results import read_rows, write_rows
from yolo_tf.visualize.plots import plot_results

SHOWN = ("loss", "box_loss", "class_loss", "objectness_loss", "l1_loss", "avg_iou", "avg_obj")


class Progress(tf_keras.callbacks.Callback):
    """A bar or lines for the steps of an epoch; speed, memory and learning rate for its logs.

    Args:
      steps: updates of an epoch.
      epochs: of the training.
      batch_size: global.
      state: of the training.
    """

    def __init__(self, steps: int, epochs: int, batch_size: int, state: State):
        super().__init__()
        self.steps, self.epochs, self.batch_size, self.state = steps, epochs, batch_size, state
        self._done, self._since = 0, None

    def on_epoch_begin(self, epoch, logs=None):
        self.started, self.first = time.perf_counter(), self.state.within_epoch
        self._before = epoch * self.steps + self.first
        self.bar = Bar(
            total=self.steps,
            initial=self.first,
            desc=f"epoch {epoch + 1}/{self.epochs}",
            unit="step",
            leave=False,
        )

    def on_train_batch_end(self, batch, logs=None):
        self._done = self._before + batch + 1
        if self._since is None:  # the first step was traced, which says nothing about the others
            self._since = self._done, time.perf_counter()
        if self.bar.due:
            shown = {name: f"{logs[name]:.3g}" for name in SHOWN if name in logs}
            shown["lr"] = f"{learning_rate(self.model):.2e}"
            self.bar.set_postfix_str(
                ", ".join([*(f"{k}={v}" for k, v in shown.items()), *self._costs()]), refresh=False
            )
        self.bar.update(self.first + batch + 1 - self.bar.n)

    def on_epoch_end(self, epoch, logs=None):
        self.bar.close()
        seconds = time.perf_counter() - self.started
        logs["learning_rate"] = learning_rate(self.model)
        logs["seconds"] = seconds
        logs["images_per_second"] = (self.steps - self.first) * self.batch_size / seconds
        logs.update(memory_figures())

    def seconds_left(self) -> float | None:
        """Of the whole training with its evaluations, as fast as so far; None if not known yet."""
        seconds = self._seconds_a_step()
        return seconds and seconds * (self.epochs * self.steps - self._done)

    def _seconds_a_step(self):
        first, since = self._since or (self._done, 0.0)
        return (time.perf_counter() - since) / (self._done - first) if self._done > first else None

    def _costs(self) -> list[str]:
        seconds = self._seconds_a_step()
        speed = [f"{self.batch_size / seconds:.1f} images/s"] if seconds else []
        return [*speed, *costs(memory_figures(), self.seconds_left())]


def costs(figures: dict, seconds_left: float | None) -> list[str]:
    """Memory and the time left, for people."""
    parts = [
        f"{kind}{figures[name]:,.0f} MB"
        for name, kind in (("memory_mb", ""), ("gpu_memory_mb", "GPU "))
        if name in figures
    ]
    return parts + ([f"{duration(seconds_left)} left"] if seconds_left else [])


def duration(seconds: float) -> str:
    """1:02:03 for an hour, two minutes and three seconds."""
    return str(timedelta(seconds=round(seconds)))


def learning_rate(model) -> float:
    """That of the last update."""
    rate = model.optimizer.learning_rate
    rate = rate(model.optimizer.iterations - 1) if callable(rate) else rate
    return float(tf.convert_to_tensor(rate))  # a variable with a copy a replica is no number


MB = 1e6  # bytes


def peak_memory() -> int | None:
    """Most memory this process ever held, in bytes; None where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts the parent's memory when this process was started
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def held_memory() -> int | None:
    """Memory that this process holds now, in bytes; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # not Linux
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def gpu_peak_memory() -> int | None:
    """Most memory that tensors ever held on one GPU, in bytes; None where there is no GPU."""
    names = [gpu.name.rpartition("device:")[2] for gpu in tf.config.list_logical_devices("GPU")]
    peaks = [tf.config.experimental.get_memory_info(name)["peak"] for name in names]
    return max(peaks, default=None)


def memory_figures() -> dict[str, float]:
    """The peaks in MB: "memory_mb" and, with GPUs, "gpu_memory_mb"; each only if it is known."""
    peaks = {"memory_mb": peak_memory(), "gpu_memory_mb": gpu_peak_memory()}
    return {name: peak / MB for name, peak in peaks.items() if peak is not None}


# Columns that differ between two trainings that are the same but for the machine's other work.
COSTS = ("seconds", "images_per_second", "memory_mb", "gpu_memory_mb")


class ResultsWriter(tf_keras.callbacks.Callback):
    """Writes results.csv and results.png, and prints the epoch's line.

    The plot takes a second: epochs of a few seconds share one.

    Args:
      run: whose record it is; that of a resumed run is continued.
      epochs: of the training.
      seconds_left: function: seconds until the end of the training, or None.
    """

    PLOT_EVERY = 10.0  # seconds, at least

    def __init__(self, run: RunFolder, epochs: int, seconds_left):
        super().__init__()
        self.run, self.epochs, self.seconds_left = run, epochs, seconds_left
        self.rows = read_rows(run.results)
        self.plotted_at = -math.inf

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch + 1, **numbers(logs)}
        # A resumed run repeats the epochs after its checkpoint: theirs replace the old rows.
        self.rows = [old for old in self.rows if int(old["epoch"]) <= epoch] + [row]
        write_rows(self.run.results, self.rows)
        if time.monotonic() - self.plotted_at > self.PLOT_EVERY:
            self._plot()
        print(_line(row, self.epochs, self.seconds_left()), flush=True)

    def on_train_end(self, logs=None):
        if self.rows:
            self._plot()

    def _plot(self):
        plot_results(self.run.results, self.run.plot)
        self.plotted_at = time.monotonic()


def numbers(logs: dict) -> dict[str, float]:
    """What of an epoch's logs is a number."""
    return {name: float(value) for name, value in logs.items() if is_number(value)}


def is_number(value) -> bool:
    """Whether it is a number of Python, NumPy or TensorFlow."""
    return isinstance(value, (int, float)) or hasattr(value, "dtype")


def _line(row, epochs, seconds_left) -> str:
    parts = [f"epoch {row['epoch']}/{epochs}"]
    parts += [f"{name} {row[name]:.3f}" for name in SHOWN if name in row]
    parts += [f"lr {row['learning_rate']:.2e}"]
    times = [f"{row['seconds']:.1f} s", f"{row['images_per_second']:.1f} images/s"]
    parts += [", ".join([*times, *costs(row, seconds_left)])]
    parts += [f"{name} {row[name]:.4f}" for name in ("val_loss", "AP", "AP50") if name in row]
    return "  ".join(parts)
