"""results.csv and results.png of a run, and a line for each finished epoch."""

import csv
import io
import math
import time

import tf_keras

from yolo_tf.errors import UserError
from yolo_tf.files import write_text
from yolo_tf.text_files import read_text
from yolo_tf.train.progress import SHOWN, costs
from yolo_tf.train.run_folder import RunFolder
from yolo_tf.visualize.plots import plot_results

_MOST_BYTES = 64 * 1024 * 1024  # of a results.csv
# Columns that differ between two trainings that are the same but for the machine's other work.
COSTS = ("seconds", "images_per_second", "memory_mb", "gpu_memory_mb")


class Record(tf_keras.callbacks.Callback):
    """Writes results.csv and results.png, and prints the epoch's line.

    The picture takes a second: epochs of a few seconds share one.

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
        _write_rows(self.run.results, self.rows)
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


def read_rows(path) -> list[dict]:
    """The rows of a results.csv as text; none if there is no file.

    Raises:
      UserError: a row has no epoch.
    """
    if not path.exists():
        return []
    text = read_text(path, "a table of results", _MOST_BYTES)
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise UserError(f"{path}: not readable as a table of results: {error}") from None
    for number, row in enumerate(rows, start=2):
        if not (row.get("epoch") or "").isdecimal():
            raise UserError(
                f"{path}: line {number}: epoch: found {row.get('epoch')!r}, expected a number; mend"
                " the line or move the file away"
            )
    return rows


def _write_rows(path, rows) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    write_text(path, text.getvalue())


def _line(row, epochs, seconds_left) -> str:
    parts = [f"epoch {row['epoch']}/{epochs}"]
    parts += [f"{name} {row[name]:.3f}" for name in SHOWN if name in row]
    parts += [f"lr {row['learning_rate']:.2e}"]
    times = [f"{row['seconds']:.1f} s", f"{row['images_per_second']:.1f} images/s"]
    parts += [", ".join([*times, *costs(row, seconds_left)])]
    parts += [f"{name} {row[name]:.4f}" for name in ("val_loss", "AP", "AP50") if name in row]
    return "  ".join(parts)
