"""Moving averages of the weights, which validate and generalise better than the last weights.

Source: B. Polyak and A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992;
the ramps are those of algorithms.md 9.4.
"""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from yolo_tf.config import AveragesConfig
from yolo_tf.errors import check_choice

_RAMP_UPDATES = 2000.0  # YOLOX's


def _ratio(updates, decay):
    return tf.minimum(decay, (1 + updates) / (10 + updates))


def _exponential(updates, decay):
    return decay * (1 - tf.exp(-updates / _RAMP_UPDATES))


def _none(updates, decay):
    del updates
    return tf.constant(decay)


# config.train.averages.ramp -> (updates done, decay) -> decay of this update
RAMPS = {"ratio": _ratio, "exponential": _exponential, "none": _none}


class WeightAverages(tf.Module):
    """An average of each variable of a network, moved after each update.

    To be made in the scope of the strategy. Each replica has its own averages and never talks:
    the average of means is the mean of averages.

    Args:
      network: the model; its batch-norm statistics are averaged too.
      config: decay and ramp.

    Raises:
      UserError: the ramp is not known.
    """

    def __init__(self, network, config: AveragesConfig):
        super().__init__(name="averages")
        check_choice("config.train.averages.ramp", config.ramp, RAMPS)
        self._config, self._network = config, network
        self.values = [
            tf.Variable(
                weight,
                trainable=False,
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.MEAN,
            )
            for weight in network.weights
        ]

    def update(self, updates: tf.Tensor) -> None:
        """Moves the averages; `updates` is the number of updates done, this one included."""
        decay = RAMPS[self._config.ramp](tf.cast(updates, tf.float32), self._config.decay)
        for value, weight in zip(self.values, self._network.weights, strict=True):
            value.assign_sub((1 - decay) * (value - weight))

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The network has the averages for its weights within this block."""
        weights = [weight.numpy() for weight in self._network.weights]
        for value, weight in zip(self.values, self._network.weights, strict=True):
            weight.assign(value.numpy())
        try:
            yield
        finally:
            for weight, value in zip(self._network.weights, weights, strict=True):
                weight.assign(value)
