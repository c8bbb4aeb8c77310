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
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=self.momentums[self._index_dict[self._var_key(variable)]].handle,
            lr=rate,
            grad=gradient,
            momentum=momentum,
            use_nesterov=self.nesterov,
        )

    def _after_warmup(self, rate):
        """The learning rate as it were without the warm-up."""
        power = self._schedule.config.warmup_power
        return rate / tf.pow(self._schedule.warmup(self.iterations), power)


class Adam(tf_keras.optimizers.Adam):
    """Adam (arXiv:1412.6980), or with a decay AdamW, whose decay is decoupled (arXiv:1711.05101).

    Keras' own writes the same update as a dozen operations, each a pass over all weights.

    Args:
      decay: share of a kernel, times the learning rate, that it loses in each step.
      learning_rate: number or schedule.
    """

    def __init__(self, decay: float, learning_rate, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.decay = decay

    def update_step(self, gradient, variable):
        rate = tf.cast(self.learning_rate, variable.dtype)
        if self.decay and not _excluded(variable):
            variable.assign_sub(variable * (self.decay * rate))
        step = tf.cast(self.iterations + 1, variable.dtype)
        index = self._index_dict[self._var_key(variable)]
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].handle,
            v=self._velocities[index].handle,
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


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
    return Adam(0.0, learning_rate, beta_1=config.momentum, **clip)


def _adamw(config, learning_rate, clip):
    decay = config.weight_decay
    return Adam(decay, learning_rate, beta_1=config.momentum, name="AdamW", **clip)


OPTIMIZERS = {"sgd": _sgd, "adam": _adam, "adamw": _adamw}


def _is_bias(variable) -> bool:
    return any(word in variable.name for word in _BIASES)


def _excluded(variable) -> bool:
    return any(word in variable.name for word in _NO_DECAY)
