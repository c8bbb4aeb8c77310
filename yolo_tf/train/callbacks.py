"""What happens around the steps of `Detector.fit`: bar, evaluation, record, checkpoint."""

import csv
import io
import math
import time

import tensorflow as tf
import tf_keras
from tqdm import tqdm

from yolo_tf.config import TrainConfig
from yolo_tf.errors import UserError
from yolo_tf.files import write_text
from yolo_tf.train.checkpoint import State
from yolo_tf.train.run_folder import RunFolder
from yolo_tf.train.saver import Saver
from yolo_tf.visualize.plots import plot_results

SHOWN = ("loss", "box_loss", "class_loss", "objectness_loss", "l1_loss", "avg_iou", "avg_obj")


class Progress(tf_keras.callbacks.Callback):
    """A bar for the steps of an epoch, and one line for each finished epoch."""

    def __init__(self, steps: int, epochs: int, batch_size: int, state: State):
        super().__init__()
        self.steps, self.epochs, self.batch_size, self.state = steps, epochs, batch_size, state

    def on_epoch_begin(self, epoch, logs=None):
        self.started, self.first = time.perf_counter(), self.state.within_epoch
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
        rate = _learning_rate(self.model)
        shown = {name: f"{logs[name]:.3g}" for name in SHOWN if name in logs}
        self.bar.set_postfix(shown | {"lr": f"{rate:.2e}"}, refresh=False)
        self.bar.update(self.first + batch + 1 - self.bar.n)

    def on_epoch_end(self, epoch, logs=None):
        self.bar.close()
        seconds = time.perf_counter() - self.started
        logs["learning_rate"] = _learning_rate(self.model)
        logs["seconds"] = seconds
        logs["images_per_second"] = (self.steps - self.first) * self.batch_size / seconds


class Evaluate(tf_keras.callbacks.Callback):
    """Adds the figures of `evaluate()` to the epoch's logs, every so many epochs and the last."""

    def __init__(self, evaluate, settings: TrainConfig):
        super().__init__()
        self.evaluate, self.epochs = evaluate, settings.epochs
        self.every = max(settings.evaluate_every, 1)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.epochs:
            logs.update(self.evaluate())


class Record(tf_keras.callbacks.Callback):
    """Writes results.csv and results.png, TensorBoard scalars, and the epoch's line.

    The picture takes a second: epochs of a few seconds share one.
    """

    PLOT_EVERY = 10.0  # seconds, at least

    def __init__(self, run: RunFolder, epochs: int, tensorboard: bool):
        super().__init__()
        self.run, self.epochs = run, epochs
        self.rows = read_rows(run.results)
        self.plotted_at = -math.inf
        self.writer = tf.summary.create_file_writer(str(run.tensorboard)) if tensorboard else None

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch + 1, **{k: float(v) for k, v in logs.items() if _is_number(v)}}
        # A resumed run repeats the epochs after its checkpoint: theirs replace the old rows.
        self.rows = [old for old in self.rows if int(old["epoch"]) <= epoch] + [row]
        _write_rows(self.run.results, self.rows)
        if time.monotonic() - self.plotted_at > self.PLOT_EVERY:
            self._plot()
        if self.writer:
            with self.writer.as_default(step=epoch + 1):
                for name, value in row.items():
                    tf.summary.scalar(name, value)
            self.writer.flush()
        print(_line(row, self.epochs), flush=True)

    def on_train_end(self, logs=None):
        if self.rows:
            self._plot()

    def _plot(self):
        plot_results(self.run.results, self.run.plot)
        self.plotted_at = time.monotonic()


class Checkpoint(tf_keras.callbacks.Callback):
    """Saves "last" each epoch and "best" by a metric; ends a training that stopped improving.

    Args:
      saver: writes the checkpoints.
      state: of the training, kept up to date here.
      steps: updates of an epoch.
      settings: which figure is the better the higher, and how long to wait for a better one.
    """

    def __init__(self, saver: Saver, state: State, steps: int, settings: TrainConfig):
        super().__init__()
        self.saver, self.state, self.steps = saver, state, steps
        self.metric, self.patience = settings.best_metric, settings.patience

    def on_epoch_end(self, epoch, logs=None):
        state = self.state
        # Not the optimiser's count: float16 leaves out updates that overflow.
        state.step += self.steps - state.within_epoch
        state.epoch, state.within_epoch = epoch + 1, 0
        value = logs.get(self.metric)
        improved = _is_number(value) and (state.best is None or value > state.best)
        if improved:
            state.best, state.best_epoch, state.evaluations_since_best = value, epoch + 1, 0
        elif value is not None:
            state.evaluations_since_best += 1
        self.saver.save(state, improved)
        if self.patience and state.evaluations_since_best >= self.patience:
            print(
                f"stopped: {self.patience} evaluations without a better {self.metric} than"
                f" {state.best:.4f} of epoch {state.best_epoch}"
            )
            self.model.stop_training = True


def _learning_rate(model) -> float:
    rate = model.optimizer.learning_rate
    return float(rate(model.optimizer.iterations - 1) if callable(rate) else rate)


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) or hasattr(value, "dtype")


def read_rows(path) -> list[dict]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
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


def _line(row, epochs) -> str:
    parts = [f"epoch {row['epoch']}/{epochs}"]
    parts += [f"{name} {row[name]:.3f}" for name in SHOWN if name in row]
    parts += [f"lr {row['learning_rate']:.2e}"]
    parts += [f"{row['seconds']:.1f} s, {row['images_per_second']:.1f} images/s"]
    parts += [f"{name} {row[name]:.4f}" for name in ("val_loss", "AP", "AP50") if name in row]
    return "  ".join(parts)
