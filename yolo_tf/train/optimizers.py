"""Optimisers and learning rates.

Weight decay acts on convolution kernels only, and the norm of the whole gradient is clipped. The
learning rate of a step is a warm-up, then a curve over the whole training (algorithms.md 6.5).
"""

import math

import tensorflow as tf
import tf_keras

from yolo_tf.config import OptimizerConfig, ScheduleConfig
from yolo_tf.errors import UserError, check_choice

_NO_DECAY = ("bias", "gamma", "beta")
_BIASES = ("bias", "beta")


class SGD(tf_keras.optimizers.SGD):
    """SGD whose weight decay is part of the gradient, so that momentum sees it.

    See algorithms.md 6.6, 9.3.

    That is what Darknet's `decay` means; Keras' own `weight_decay` bypasses the momentum and is
    ten times weaker at momentum 0.9. The decay is added after the gradients of all replicas are
    summed and clipped.

    Args:
      config: its decay, and what biases and momentum start the warm-up with (algorithms.md 9.3).
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
    check_choice("config.train.optimizer.name", config.name, OPTIMIZERS)
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


def cosine(progress: tf.Tensor, config: ScheduleConfig) -> tf.Tensor:
    """From 1 down to `final_fraction` along half a cosine (algorithms.md 9.1)."""
    half_wave = 0.5 * (1 + tf.cos(math.pi * progress))
    return config.final_fraction + (1 - config.final_fraction) * half_wave


def flat_cosine(progress: tf.Tensor, config: ScheduleConfig) -> tf.Tensor:
    """1 for the share `flat` of the training, then down to `final_fraction` as `cosine`.

    RTMDet's, arXiv:2212.07784.
    """
    rest = (progress - config.flat) / max(1 - config.flat, 1e-6)
    return cosine(tf.maximum(rest, 0.0), config)


def steps(progress: tf.Tensor, config: ScheduleConfig) -> tf.Tensor:
    """1, times each of `step_factors` from its place in `steps_at` on: Darknet's policy.

    See algorithms.md 6.5.
    """
    passed = progress >= tf.constant(config.steps_at)
    return tf.reduce_prod(tf.where(passed, tf.constant(config.step_factors), 1.0))


def polynomial(progress: tf.Tensor, config: ScheduleConfig) -> tf.Tensor:
    """From 1 to 0 as (1 - progress) ** power: Darknet's `poly` (algorithms.md 6.5)."""
    return tf.pow(1 - progress, config.power)


def exponential(progress: tf.Tensor, config: ScheduleConfig) -> tf.Tensor:
    """From 1 to `final_fraction` by the same factor each step: Darknet's `exp`.

    See algorithms.md 6.5.
    """
    return tf.pow(config.final_fraction, progress)


def constant(progress: tf.Tensor, config: ScheduleConfig) -> tf.Tensor:
    del config
    return tf.ones_like(progress)


# name -> (share of all steps done, 0..1) -> factor of the peak learning rate
SCHEDULES = {
    "cosine": cosine,
    "flat_cosine": flat_cosine,
    "steps": steps,
    "constant": constant,
    "polynomial": polynomial,
    "exponential": exponential,
}


class Schedule(tf_keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate of step 0, 1, ...; the first update already has a share of the warm-up.

    Args:
      config: curve and warm-up.
      peak: learning rate after the warm-up.
      steps_per_epoch: updates an epoch.
      epochs: length of the whole training, not of a resumed rest.
    """

    def __init__(self, config: ScheduleConfig, peak: float, steps_per_epoch: int, epochs: int):
        check_choice("config.train.schedule.name", config.name, SCHEDULES)
        if len(config.steps_at) != len(config.step_factors):
            raise UserError(
                f"config.train.schedule.step_factors: found {len(config.step_factors)} values,"
                f" expected {len(config.steps_at)}, one for each of steps_at"
            )
        self.config = config
        self.peak = peak
        self.total_steps = max(steps_per_epoch * epochs, 1)
        self.warmup_steps = config.warmup_epochs * steps_per_epoch
        if config.warmup_updates:
            self.warmup_steps = min(config.warmup_updates, self.total_steps / 10)

        self.first = self.warmup_steps if config.after_warmup else 0.0
        last = self.total_steps - config.last_epochs * steps_per_epoch
        if last <= self.first:
            raise UserError(
                f"config.train.schedule.last_epochs: found {config.last_epochs}, which leaves none"
                f" of {epochs} epochs for the curve"
            )
        self.length = last - self.first

    def __call__(self, step) -> tf.Tensor:
        progress = (tf.cast(step, tf.float32) - self.first) / self.length
        curve = SCHEDULES[self.config.name](tf.clip_by_value(progress, 0.0, 1.0), self.config)
        return self.peak * curve * tf.pow(self.warmup(step), self.config.warmup_power)

    def warmup(self, step) -> tf.Tensor:
        """Share of the warm-up that is done: above 0 in step 0, 1 after it."""
        return tf.minimum((tf.cast(step, tf.float32) + 1) / max(self.warmup_steps, 1.0), 1.0)

    def get_config(self) -> dict:
        return {"name": self.config.name, "peak": self.peak, "total_steps": self.total_steps}
