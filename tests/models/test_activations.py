"""The activations against plain numpy."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.models.layers import ACTIVATIONS, activate, mish

REFERENCE = {
    "leaky": lambda x: np.where(x > 0, x, 0.1 * x),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "swish": lambda x: x * _sigmoid(x),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "logistic": lambda x: _sigmoid(x),
    "linear": lambda x: x,
}
# Dense around 0, then every order of magnitude that float32 has.
_MAGNITUDES = 10.0 ** np.arange(-37, 38)
INPUTS = np.concatenate([np.linspace(-40, 40, 801), _MAGNITUDES, -_MAGNITUDES]).astype(np.float32)


def _sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def _mish_gradient(x):
    """Derivative of x tanh(softplus(x)), in float64."""
    with np.errstate(under="ignore"):
        factor = np.tanh(np.logaddexp(0, x))
        return factor + x * _sigmoid(x) * (1 - factor**2)


def _gradient(function, x):
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x)


def test_every_activation_has_a_reference():
    assert set(ACTIVATIONS) == set(REFERENCE)


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("name", REFERENCE)
def test_activation_is_darknets(name, xla):
    y = tf.function(lambda x: activate(x, name), jit_compile=xla)(tf.constant(INPUTS))
    expected = REFERENCE[name](INPUTS.astype(np.float64))
    np.testing.assert_allclose(y, expected, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("name", REFERENCE)
def test_gradient_is_finite(name):
    gradient = _gradient(lambda x: activate(x, name), INPUTS)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
def test_gradient_of_mish(xla):
    function = tf.function(lambda x: _gradient(mish, x), jit_compile=xla)
    expected = _mish_gradient(INPUTS.astype(np.float64))
    np.testing.assert_allclose(function(tf.constant(INPUTS)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("dtype", "digits"), [(tf.float16, 2e-3), (tf.bfloat16, 2e-2)])
def test_mish_of_half_precision(dtype, digits):
    x = tf.cast(np.linspace(-100, 100, 2001), dtype)
    exact = x.numpy().astype(np.float64)  # what the short type made of the inputs
    y, gradient = mish(x), _gradient(mish, x)
    assert y.dtype == gradient.dtype == dtype
    np.testing.assert_allclose(tf.cast(y, tf.float64), REFERENCE["mish"](exact), digits, digits)
    np.testing.assert_allclose(tf.cast(gradient, tf.float64), _mish_gradient(exact), digits, digits)


@pytest.mark.parametrize("name", REFERENCE)
def test_layer_is_named_after_its_convolution(name):
    x = tf_keras.Input((4, 4, 3))
    y = activate(x, name, "backbone_conv_007")
    if name == "linear":
        assert y is x
    else:
        assert y.node.layer.name == f"backbone_conv_007_{name}"


def test_unknown_activation():
    with pytest.raises(KeyError, match="tanhh"):
        activate(tf.zeros([1]), "tanhh")
