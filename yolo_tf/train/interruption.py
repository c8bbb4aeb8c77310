"""A training that is asked to end (SIGTERM) saves within its epoch and exits with its own code.

Of several processes all save after the same update and exit, whichever was asked. One that is
killed is missed by the others: they end too, with another code.
"""

import contextlib
import re
import signal
import threading
from collections.abc import Callable, Iterator

import tensorflow as tf
import tf_keras

from yolo_tf.runs.checkpoint import State
from yolo_tf.runs.folder import Saver

# Of sums over processes, and of the service that watches them.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
# Lines of TensorFlow's messages before the one that tells what happened.
_NO_REASON = ("Graph execution error", "Detected at node", "<stack traces unavailable>")


class Stopped(Exception):
    """The training is not finished; --resume continues it."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class LostWorker(Stopped):
    """Another process of the training is gone; what it did since the last checkpoint is lost."""

    exit_code = 69  # EX_UNAVAILABLE


class Interrupted(Stopped):
    """The training was asked to end and has been saved; `path` is the checkpoint."""

    def __init__(self, path):
        super().__init__(f"interrupted; {path} is complete, --resume continues from it")
        self.path = path


class SaveOnSignal(tf_keras.callbacks.Callback):
    """After the update that runs when SIGTERM comes, saves and ends the training.

    A context: outside of it the signal has its former effect. An epoch that resumes where it was
    interrupted has the sums of its first part.

    Args:
      saver: writes the checkpoints.
      state: where the training is; kept up to date.
      steps: updates of an epoch.
      any_process: `devices.any_process` of the training's.
    """

    def __init__(
        self, saver: Saver, state: State, steps: int, any_process: Callable[[bool], bool] = bool
    ):
        super().__init__()
        self.saver, self.state, self.steps = saver, state, steps
        self.any_process = any_process
        self.asked, self.first = False, 0
        self._sums = None

    def __enter__(self):
        # Python takes signals in the main thread alone.
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            self._before = signal.signal(signal.SIGTERM, self._ask)
        return self

    def __exit__(self, *_):
        if self._main:
            signal.signal(signal.SIGTERM, self._before)

    def on_train_begin(self, logs=None):
        self.first = self.state.within_epoch
        if self.first:  # Keras sets them to zero before the epoch begins
            self._sums = [variable.numpy() for variable in self.model.values.variables]

    def on_epoch_begin(self, epoch, logs=None):
        if self._sums is not None:
            for variable, value in zip(self.model.values.variables, self._sums, strict=True):
                variable.assign(value)
            self._sums = None

    def on_train_batch_end(self, batch, logs=None):
        done = self.first + batch + 1
        if self.any_process(self.asked) and done < self.steps:
            self.state.step += done - self.state.within_epoch
            self.state.within_epoch = done
            path = self.saver.save(self.state)
            self.any_process(False)  # all wait for the one that writes
            raise Interrupted(path)

    def on_epoch_end(self, epoch, logs=None):
        self.first = 0
        if self.any_process(self.asked):
            raise Interrupted(self.saver.last)  # of this epoch

    def _ask(self, number, frame):
        del number, frame
        self.asked = True


@contextlib.contextmanager
def lost_workers(several: bool) -> Iterator[None]:
    """Turns what TensorFlow raises when another of several processes is gone into `LostWorker`."""
    try:
        yield
    except _LOST as error:
        if not several:
            raise
        lines = (line.strip() for line in error.message.splitlines())
        first = next((line for line in lines if line and not line.startswith(_NO_REASON)), "")
        first = re.sub(r"\{\{.*?\}\} ", "", first)
        raise LostWorker(
            "another process of this training ended or cannot be reached; see what it printed, and"
            f" start all of them again with --resume ({first})"
        ) from None
