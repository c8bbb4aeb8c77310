"""Learning rate by step: a warm-up, then a curve over the whole training (SPEC 6.5)."""

import math

import tensorflow as tf
import tf_keras

from yolo_tf.config import ScheduleConfig
from yolo_tf.errors import UserError


def cosine(progress: tf.Tensor, config: ScheduleConfig) -> tf.Tensor:
    """From 1 down to `final_fraction` along half a cosine (arXiv:1608.03983, E9.1)."""
    half_wave = 0.5 * (1 + tf.cos(math.pi * progress))
    return config.final_fraction + (1 - config.final_fraction) * half_wave


def steps(progress: tf.Tensor, config: ScheduleConfig) -> tf.Tensor:
    """1, times each of `step_factors` from its place in `steps_at` on: Darknet's policy (E6.5)."""
    passed = progress >= tf.constant(config.steps_at)
    return tf.reduce_prod(tf.where(passed, tf.constant(config.step_factors), 1.0))


def polynomial(progress: tf.Tensor, config: ScheduleConfig) -> tf.Tensor:
    """From 1 to 0 as (1 - progress) ** power: Darknet's `poly` (E6.5)."""
    return tf.pow(1 - progress, config.power)


def exponential(progress: tf.Tensor, config: ScheduleConfig) -> tf.Tensor:
    """From 1 to `final_fraction` by the same factor each step: Darknet's `exp` (E6.5)."""
    return tf.pow(config.final_fraction, progress)


def constant(progress: tf.Tensor, config: ScheduleConfig) -> tf.Tensor:
    del config
    return tf.ones_like(progress)


# name -> (share of all steps done, 0..1) -> factor of the peak learning rate
SCHEDULES = {
    "cosine": cosine,
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
        if config.name not in SCHEDULES:
            raise UserError(
                f"config.train.schedule.name: found {config.name!r}, expected one of"
                f" {', '.join(SCHEDULES)}"
            )
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
