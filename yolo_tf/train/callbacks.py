"""What happens after each epoch of `Detector.fit`: evaluation, checkpoint, alarm.

The alarm is for a loss or a weight that is not a finite number: found at once, and named.
"""

import math

import tensorflow as tf
import tf_keras

from yolo_tf.config import TrainConfig
from yolo_tf.errors import UserError
from yolo_tf.runs.checkpoint import State
from yolo_tf.runs.folder import Saver
from yolo_tf.train.progress import is_number


class Evaluate(tf_keras.callbacks.Callback):
    """Adds the figures of `evaluate()` to the logs, every few epochs and in the last."""

    def __init__(self, evaluate, settings: TrainConfig):
        super().__init__()
        self.evaluate, self.epochs = evaluate, settings.epochs
        self.every = max(settings.evaluate_every, 1)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.epochs:
            logs.update(self.evaluate())


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
        improved = is_number(value) and (state.best is None or value > state.best)
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


MOST_ROLLBACKS = 3
FACTOR = 0.5  # of the learning rate, for each rollback
_REMEDY = "lower config.train.optimizer.learning_rate"
_INTACT = "earlier checkpoints are intact"


class NonFinite(UserError):
    """Training cannot continue from here; the last checkpoint is good."""


class Alarm(tf_keras.callbacks.Callback):
    """Raises `NonFinite` when the loss is no finite number, with part, level and images.

    Weights are checked before the epoch's checkpoint: its last update may have spoilt them.
    """

    def __init__(self, find_images):
        """`find_images`: list of image keys -> list of their source ids."""
        super().__init__()
        self.find_images = find_images

    def on_train_batch_end(self, batch, logs=None):
        if math.isfinite(logs["loss"]):
            return
        parts = [
            f"{name.rsplit('_', 1)[0]} at stride {name.rsplit('_', 1)[1]}"
            for name, value in logs.items()
            if name.rsplit("_", 1)[-1].isdigit() and "_loss_" in name and not math.isfinite(value)
        ]
        keys = [int(key) for key in self.model.non_finite.result().numpy() if key]
        step = int(self.model.optimizer.iterations.numpy())
        raise NonFinite(
            f"step {step}: the loss is {logs['loss']} from {', '.join(parts) or 'the sum'}; first"
            f" seen in image {', '.join(self.find_images(keys)) or 'unknown'}; {_REMEDY} or look at"
            f" these images ({_INTACT})"
        )

    def on_epoch_end(self, epoch, logs=None):
        for weight in self.model.network.weights:
            if not bool(tf.reduce_all(tf.math.is_finite(weight))):
                raise NonFinite(
                    f"epoch {epoch + 1}: {weight.name} has values that are not finite numbers after"
                    f" the last step; {_REMEDY} ({_INTACT})"
                )
