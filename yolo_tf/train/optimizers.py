"""Optimisers: weight decay on convolution kernels only, clipping of the global gradient norm."""

import tf_keras

from yolo_tf.config import OptimizerConfig
from yolo_tf.errors import UserError

_NO_DECAY = ("bias", "gamma", "beta")


class SGD(tf_keras.optimizers.SGD):
    """SGD whose weight decay is part of the gradient, so that momentum sees it (E6.6, E9.4).

    That is what Darknet's `decay` means; Keras' own `weight_decay` bypasses the momentum and is
    ten times weaker at momentum 0.9. The decay is added after the gradients of all replicas are
    summed and clipped.
    """

    def __init__(self, *args, kernel_decay: float = 0.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.kernel_decay = kernel_decay

    def update_step(self, gradient, variable):
        if self.kernel_decay and not _excluded(variable):
            gradient += self.kernel_decay * variable
        super().update_step(gradient, variable)


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
    return SGD(
        learning_rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
        kernel_decay=config.weight_decay,
        **clip,
    )


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


def _excluded(variable) -> bool:
    return any(word in variable.name for word in _NO_DECAY)
