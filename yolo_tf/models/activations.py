"""Darknet's activations (SPEC 6.2)."""

import functools

import tensorflow as tf
from tf_keras import layers

LEAKY_SLOPE = 0.1


def mish(x: tf.Tensor) -> tf.Tensor:
    """x * tanh(ln(1 + e^x)), of D. Misra 2019, arXiv:1908.08681.

    Written with one exponential: tanh(ln(1 + w)) = (w^2 + 2w) / (w^2 + 2w + 2) with w = e^x. Beyond
    x = 20 that factor is 1 in float32.
    """
    wide = tf.cast(x, tf.float32)  # squares overflow float16
    w = tf.exp(tf.minimum(wide, 20.0))
    n = w * (w + 2)
    return tf.cast(wide * (n / (n + 2)), x.dtype)


def hard_swish(x: tf.Tensor) -> tf.Tensor:
    """x * relu6(x + 3) / 6: swish without exponentials, of arXiv:1905.02244."""
    return x * (tf.nn.relu6(x + 3) * (1 / 6))


# name in a cfg -> layer constructor; "linear" needs none.
ACTIVATIONS = {
    "leaky": functools.partial(layers.LeakyReLU, LEAKY_SLOPE),
    "mish": functools.partial(layers.Activation, mish),
    "swish": functools.partial(layers.Activation, tf.nn.silu),
    "relu": layers.ReLU,
    "relu6": functools.partial(layers.ReLU, 6.0),
    "hard_swish": functools.partial(layers.Activation, hard_swish),
    "logistic": functools.partial(layers.Activation, tf.sigmoid),
    "linear": None,
}

# Those that never fall: a maximum may be taken before or after them.
MONOTONIC = frozenset({"leaky", "relu", "relu6", "logistic", "linear"})


def activate(x, activation: str, name: str | None = None):
    """Applies one of `ACTIVATIONS`; the layer is called `NAME_ACTIVATION`."""
    if ACTIVATIONS[activation] is None:
        return x
    return ACTIVATIONS[activation](name=name and f"{name}_{activation}")(x)
