"""Optimisers: weight decay on convolution kernels only, clipping of the global gradient norm."""

import tensorflow as tf
import tf_keras

from yolo_tf.config import OptimizerConfig
from yolo_tf.errors import UserError
from yolo_tf.train.schedules import Schedule

_NO_DECAY = ("bias", "gamma", "beta")
_BIASES = ("bias", "beta")


class SGD(tf_keras.optimizers.SGD):
    """SGD whose weight decay is part of the gradient, so that momentum sees it (E6.6, E9.4).

    That is what Darknet's `decay` means; Keras' own `weight_decay` bypasses the momentum and is
    ten times weaker at momentum 0.9. The decay is added after the gradients of all replicas are
    summed and clipped.

    Args:
      config: its decay, and what biases and momentum start the warm-up with (SPEC 9, E9.5).
      learning_rate: number or `Schedule`; the warm-ups need the schedule.
    """

    def __init__(self, config: OptimizerConfig, learning_rate, **kwargs):
        super().__init__(
            learning_rate, momentum=config.momentum, nesterov=config.nesterov, **kwargs
        )
        self.config = config
        self._schedule = learning_rate

    def update_step(self, gradient, variable):
        if self.config.weight_decay and not _excluded(variable):
            gradient += self.config.weight_decay * variable
        rate = tf.cast(self.learning_rate, gradient.dtype)
        momentum = tf.constant(self.config.momentum, gradient.dtype)
        if isinstance(self._schedule, Schedule):
            share = self._schedule.warmup(self.iterations)
            if self.config.momentum_warmup:
                start = self.config.momentum_warmup
                momentum = start + share * (momentum - start)
            if self.config.bias_warmup_rate and _is_bias(variable):
                rate = self.config.bias_warmup_rate * (1 - share) + share * self._after_warmup(rate)
        velocity = self.momentums[self._index_dict[self._var_key(variable)]]
        velocity.assign(momentum * velocity - rate * gradient)
        step = momentum * velocity - rate * gradient if self.nesterov else velocity
        variable.assign_add(step)

    def _after_warmup(self, rate):
        """The learning rate as it were without the warm-up."""
        power = self._schedule.config.warmup_power
        return rate / tf.pow(self._schedule.warmup(self.iterations), power)


def make_optimizer(config: OptimizerConfig, learning_rate) -> tf_keras.optimizers.Optimizer:
    """The optimiser of a recipe; `learning_rate` is a number or a schedule."""
    if config.name not in OPTIMIZERS:
        raise UserError(
            f"config.train.optimizer.name: found {config.name!r}, expected one of"
            f" {', '.join(OPTIMIZERS)}"
        )
    clip = {"global_clipnorm": config.clip_norm} if config.clip_norm > 0 else {}
    return OPTIMIZERS[config.name](config, learning_rate, clip)


def _sgd(config, learning_rate, clip):
    return SGD(config, learning_rate, **clip)


def _adam(config, learning_rate, clip):
    """Adam without weight decay (arXiv:1412.6980)."""
    return tf_keras.optimizers.Adam(learning_rate, beta_1=config.momentum, **clip)


def _adamw(config, learning_rate, clip):
    """Adam with decoupled weight decay (arXiv:1711.05101)."""
    optimizer = tf_keras.optimizers.AdamW(
        learning_rate, beta_1=config.momentum, weight_decay=config.weight_decay, **clip
    )
    optimizer.exclude_from_weight_decay(var_names=list(_NO_DECAY))
    return optimizer


OPTIMIZERS = {"sgd": _sgd, "adam": _adam, "adamw": _adamw}


def _is_bias(variable) -> bool:
    return any(word in variable.name for word in _BIASES)


def _excluded(variable) -> bool:
    return any(word in variable.name for word in _NO_DECAY)
