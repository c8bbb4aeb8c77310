"""How fast a training goes and when it will end."""

import time
from datetime import timedelta

import tensorflow as tf
import tf_keras
from tqdm import tqdm

from yolo_tf.train.checkpoint import State
from yolo_tf.train.memory import memory_figures

SHOWN = ("loss", "box_loss", "class_loss", "objectness_loss", "l1_loss", "avg_iou", "avg_obj")


class Progress(tf_keras.callbacks.Callback):
    """A bar for the steps of an epoch; speed, memory and learning rate for its logs.

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
        # No bar where nobody watches: a log file gets the lines of the epochs alone.
        self.bar = tqdm(
            total=self.steps,
            initial=self.first,
            desc=f"epoch {epoch + 1}/{self.epochs}",
            unit="step",
            leave=False,
            disable=None,
        )

    def on_train_batch_end(self, batch, logs=None):
        self._done = self._before + batch + 1
        if self._since is None:  # the first step was traced, which says nothing about the others
            self._since = self._done, time.perf_counter()
        if not self.bar.disable:
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
