"""A profile of some steps of a training, for TensorBoard."""

from pathlib import Path

import tensorflow as tf
import tf_keras

from yolo_tf.config import TrainConfig
from yolo_tf.errors import UserError
from yolo_tf.train.checkpoint import State


def check_window(settings: TrainConfig) -> None:
    """Raises `UserError` if the steps to profile are no first and last one."""
    window = tuple(settings.profile)
    if window and not (len(window) == 2 and 1 <= window[0] <= window[1]):
        raise UserError(
            f"config.train.profile: found {','.join(map(str, window))}, expected the first and the"
            " last step to profile, counted from 1, for example 20,30"
        )


class Profiler(tf_keras.callbacks.Callback):
    """Profiles the steps of config.train.profile into a folder of TensorBoard.

    A context: a profile that has begun is written, however the training ends.

    Args:
      window: first and last step, counted from 1 over the whole training; empty: none.
      folder: for the profile.
      steps: updates of an epoch.
      state: of the training.
    """

    def __init__(self, window: tuple[int, ...], folder: Path, steps: int, state: State):
        super().__init__()
        self.window, self.folder, self.steps, self.state = window, folder, steps, state
        self.running = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop()

    def on_epoch_begin(self, epoch, logs=None):
        self.before = epoch * self.steps + self.state.within_epoch

    def on_train_batch_begin(self, batch, logs=None):
        if not self.window or self.running:
            return
        first, last = self.window
        if first <= self.before + batch + 1 <= last:
            tf.profiler.experimental.start(str(self.folder))
            self.running = True

    def on_train_batch_end(self, batch, logs=None):
        if self.running and self.before + batch + 1 >= self.window[1]:
            self._stop()

    def _stop(self):
        if self.running:
            tf.profiler.experimental.stop()
            self.running = False
            print(f"profile      of the steps {self.window[0]} to {self.window[1]}: {self.folder}")
