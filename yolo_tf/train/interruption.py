"""A training that is asked to end (SIGTERM) saves within its epoch and exits with its own code."""

import signal

import tf_keras

EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: not finished, to be started again with --resume


class Interrupted(Exception):
    """The training was asked to end and has been saved; `path` is the checkpoint."""

    def __init__(self, path):
        super().__init__(f"interrupted; {path} is whole, --resume goes on from it")
        self.path = path


class SaveOnSignal(tf_keras.callbacks.Callback):
    """After the update that runs when SIGTERM comes, saves and ends the training.

    Args:
      save: number of updates done in this epoch -> path of the checkpoint.
      first: updates that the epoch had when training went on within it.
    """

    def __init__(self, save, first: int = 0):
        super().__init__()
        self.save, self.first = save, first
        self.asked = False
        self._before = None

    def on_train_begin(self, logs=None):
        self._before = signal.signal(signal.SIGTERM, self._ask)

    def on_train_batch_end(self, batch, logs=None):
        if self.asked:
            raise Interrupted(self.save(self.first + batch + 1))

    def on_epoch_end(self, epoch, logs=None):
        self.first = 0

    def restore(self):
        """Gives the signal back to its handler before; after the training, however it ended."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
            self._before = None

    def _ask(self, number, frame):
        del number, frame
        self.asked = True
