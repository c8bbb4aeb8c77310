"""What happens after each epoch of `Detector.fit`: evaluation and checkpoint."""

import tf_keras

from yolo_tf.config import TrainConfig
from yolo_tf.train.checkpoint import State
from yolo_tf.train.record import is_number
from yolo_tf.train.saver import Saver


class Evaluate(tf_keras.callbacks.Callback):
    """Adds the figures of `evaluate()` to the epoch's logs, every so many epochs and the last."""

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
