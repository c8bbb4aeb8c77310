"""What TensorBoard shows of a training; its steps are epochs. A profile has single steps."""

import io
import re
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras
from PIL import Image
from tensorboard.plugins.image import metadata

from yolo_tf.config import TrainConfig
from yolo_tf.data.records.files import read_records
from yolo_tf.errors import UserError
from yolo_tf.evaluate.evaluator import METRICS
from yolo_tf.files import replacing
from yolo_tf.runs.checkpoint import State
from yolo_tf.train.progress import COSTS, numbers

_OF_A_LEVEL = re.compile(r".*_\d+")  # such as box_loss_16


class TensorBoard(tf_keras.callbacks.Callback):
    """Writes the epoch's figures, and of an evaluation AP by class and the image.

    Args:
      folder: of the event files. What those of an interrupted run have beyond `epoch` is removed:
        the training repeats it.
      epoch: epochs done.
      validation: a `Validation`, or None.
    """

    def __init__(self, folder: Path, epoch: int, validation=None):
        super().__init__()
        cut_events(folder, epoch)
        self.validation = validation
        self.writer = tf.summary.create_file_writer(str(folder))

    def on_epoch_end(self, epoch, logs=None):
        with self.writer.as_default(step=epoch + 1):
            for name, value in numbers(logs).items():
                tf.summary.scalar(_tag(name), value)
            if "val_loss" in logs and self.validation is not None:
                for row in self.validation.per_class:
                    if row["AP"] is not None:
                        tf.summary.scalar(f"AP by class/{row['name']}", row["AP"])
                _write_image("truth and predictions", self.validation.image)
        self.writer.flush()


def _tag(name: str) -> str:
    """A name of the logs with the group of charts in which TensorBoard shows it."""
    if name in METRICS:
        return f"figures/{name}"
    if name in COSTS:
        return f"cost/{name}"
    stage = "validation" if name.startswith("val_") else "training"
    return f"{stage} by level/{name}" if _OF_A_LEVEL.fullmatch(name) else f"{stage}/{name}"


def _write_image(tag: str, image: np.ndarray) -> None:
    """As `tf.summary.image`, but a JPEG: a tenth of the PNG that this would write each epoch."""
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, format="JPEG", quality=90)
    height, width = image.shape[:2]
    tf.summary.write(
        tag,
        tf.constant([str(width), str(height), encoded.getvalue()]),
        metadata=metadata.create_summary_metadata(None, None),
    )


def cut_events(folder: Path, epoch: int) -> None:
    """Removes from event files what is beyond an epoch, and a record half written by a kill."""
    for path in sorted(folder.glob("events.out.tfevents.*")):
        records, whole = _read_records(path)
        kept = [record for record in records if tf.compat.v1.Event.FromString(record).step <= epoch]
        if whole and len(kept) == len(records):
            continue
        with replacing(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
            for record in kept:
                writer.write(record)


def _read_records(path: Path) -> tuple[list[bytes], bool]:
    """The whole records at the start of a file, and whether it has no others."""
    records = []
    try:
        for _, _, record in read_records([path]):
            records.append(record)
    except UserError:  # a record that is cut off or damaged
        return records, False
    return records, True


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
