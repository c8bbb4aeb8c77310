"""A loss or a weight that is not a finite number: found at once, and named."""

import math

import tensorflow as tf
import tf_keras

from yolo_tf.errors import UserError

CHOICES = ("stop", "rollback")
MOST_ROLLBACKS = 3
FACTOR = 0.5  # of the learning rate, for each rollback
_REMEDY = "lower config.train.optimizer.learning_rate"
_INTACT = "earlier checkpoints are intact"


class NonFinite(UserError):
    """Training cannot go on from here; the last checkpoint is good."""


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
