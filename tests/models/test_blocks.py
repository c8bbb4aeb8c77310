"""Darknet's convolution against plain numpy."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.models import blocks
from yolo_tf.models.layers import ACTIVATIONS, max_pool

# Settings of a convolution of 4 channels.
CONVS = {
    "1x1": {"filters": 3, "size": 1},
    "1x1 stride 2": {"filters": 3, "size": 1, "stride": 2},
    "1x1 padded": {"filters": 3, "size": 1, "padding": 1},
    "3x3": {"filters": 3, "size": 3},
    "3x3 stride 2": {"filters": 3, "size": 3, "stride": 2},
    "3x3 stride 3": {"filters": 3, "size": 3, "stride": 3},
    "3x3 unpadded": {"filters": 3, "size": 3, "padding": 0},
    "3x3 unpadded stride 2": {"filters": 3, "size": 3, "stride": 2, "padding": 0},
    "3x3 padded by 2": {"filters": 3, "size": 3, "padding": 2},
    "stride (1, 2)": {"filters": 3, "size": 3, "stride": (1, 2)},
    "stride (2, 1)": {"filters": 3, "size": 3, "stride": (2, 1)},
    "stride (1, 1)": {"filters": 3, "size": 3, "stride": (1, 1)},
    "2x2": {"filters": 3, "size": 2},
    "2x2 unpadded stride 2": {"filters": 3, "size": 2, "stride": 2, "padding": 0},
    "4x4 stride 2": {"filters": 3, "size": 4, "stride": 2, "padding": 1},
    "5x5": {"filters": 3, "size": 5},
    "dilation 2": {"filters": 3, "size": 3, "dilation": 2},
    "dilation 3 of 5x5": {"filters": 3, "size": 5, "dilation": 3},
    "2 groups": {"filters": 6, "size": 3, "groups": 2},
    "2 groups stride 2": {"filters": 6, "size": 3, "groups": 2, "stride": 2},
    "2 groups dilation 2": {"filters": 6, "size": 3, "groups": 2, "dilation": 2},
    "depthwise": {"filters": 4, "size": 3, "groups": 4},
    "depthwise stride 2": {"filters": 4, "size": 3, "groups": 4, "stride": 2},
    "depthwise stride (1, 2)": {"filters": 4, "size": 3, "groups": 4, "stride": (1, 2)},
    "depthwise dilation 2": {"filters": 4, "size": 3, "groups": 4, "dilation": 2},
    "depthwise by 2": {"filters": 8, "size": 3, "groups": 4},
    "depthwise by 2 stride 2": {"filters": 8, "size": 5, "groups": 4, "stride": 2},
    "bias": {"filters": 3, "size": 3, "batch_norm": False},
    "bias of 2 groups": {"filters": 6, "size": 3, "groups": 2, "batch_norm": False},
    "bias of depthwise": {"filters": 8, "size": 3, "groups": 4, "batch_norm": False},
    "relu6": {"filters": 3, "size": 3, "activation": "relu6"},
    "linear": {"filters": 3, "size": 3, "activation": "linear"},
}


def _net(**settings):
    return blocks.Darknet(bn_momentum=0.9, bn_epsilon=1e-5, **settings)


def _random(*shape):
    return np.random.default_rng(7).uniform(-1, 1, shape).astype(np.float32)


def _conv_reference(x, kernel, stride=1, padding=None, groups=1, dilation=1):
    """Darknet's convolution: zeros on every side, windows from the top left corner.

    `kernel` is [size, size, C / groups, filters]; with dilation the padding grows alike.
    """
    size = kernel.shape[0]
    pad = (size // 2 if padding is None else padding) * dilation
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    down, right = np.broadcast_to(stride, 2)
    reach = (size - 1) * dilation + 1
    rows = (x.shape[1] - reach) // down + 1
    cols = (x.shape[2] - reach) // right + 1
    out = np.empty((x.shape[0], rows, cols, kernel.shape[3]), np.float32)
    kernels = np.split(kernel, groups, axis=3)
    for i in range(rows):
        for j in range(cols):
            top, left = i * down, j * right
            patch = x[:, top : top + reach : dilation, left : left + reach : dilation]
            parts = np.split(patch, groups, axis=3)
            pairs = zip(parts, kernels, strict=True)
            out[:, i, j] = np.concatenate([np.tensordot(p, k, 3) for p, k in pairs], axis=-1)
    return out


def _model(sides=(None, None), channels=4, **settings):
    """A model of one convolution, its layer and its batch normalisation."""
    images = tf_keras.Input((*sides, channels))
    model = tf_keras.Model(images, _net().conv(images, **settings))
    return model, *blocks.conv_layers(model)[0]


@pytest.mark.parametrize("sides", [(8, 6), (7, 9)])
@pytest.mark.parametrize("name", CONVS)
def test_conv_is_darknets(name, sides):
    settings = dict(CONVS[name])
    model, conv, norm = _model(sides, **settings)
    filters, size = settings.pop("filters"), settings.pop("size")
    activation = settings.pop("activation", "leaky")
    beta, gamma, mean, var = _random(filters), 1 + _random(filters) / 2, _random(filters), 0.5
    if settings.pop("batch_norm", True):
        assert not conv.use_bias
        norm.set_weights([gamma, beta, mean, np.full(filters, var)])
    else:
        assert norm is None
        conv.bias.assign(beta)
        gamma, mean, var = 1, 0, 1 - 1e-5

    x = _random(2, *sides, 4)
    kernel = conv.weights[0].numpy()
    kernel = kernel.reshape(size, size, 4 // settings.get("groups", 1), filters)
    y = _conv_reference(x, kernel, **settings)
    y = gamma * (y - mean) / np.sqrt(var + 1e-5) + beta
    act = {"leaky": np.where(y > 0, y, 0.1 * y), "relu6": np.clip(y, 0, 6), "linear": y}

    result = model(x, training=False)
    np.testing.assert_allclose(result, act[activation], atol=2e-5)
    assert model.output_shape == (None, *result.shape[1:])


@pytest.mark.parametrize("name", CONVS)
def test_conv_compiles_with_xla_and_has_gradients(name):
    model, _, norm = _model((7, 8), **CONVS[name])
    x, momentum = tf.constant(_random(2, 7, 8, 4)), 0.9
    weights = _random(*model(x).shape)

    @functools.partial(tf.function, jit_compile=True)
    def step(x):
        with tf.GradientTape() as tape:
            y = model(x, training=True)
            loss = tf.reduce_sum(y * weights)
        return y, tape.gradient(loss, model.trainable_variables)

    y, gradients = step(x)
    np.testing.assert_allclose(y, model(x, training=True), atol=1e-4)
    assert len(gradients) == (3 if norm else 2)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert np.isfinite(gradient).all(), variable.name
        assert np.abs(gradient).max() > 0, variable.name
    if norm:
        assert norm.momentum == momentum
        assert np.abs(norm.moving_mean).max() > 0


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_kernel_keeps_the_variance(size, multiplier):
    """He et al. 2015: variance 2 / fan-in, and each filter sees size x size numbers."""
    tf_keras.utils.set_random_seed(1)
    model, conv, _ = _model(
        channels=512, filters=512 * multiplier, size=size, groups=512, activation="relu"
    )
    assert isinstance(conv, tf_keras.layers.DepthwiseConv2D)
    kernel = conv.weights[0].numpy()
    np.testing.assert_allclose(kernel.var(), 2 / size**2, rtol=0.06)
    assert abs(kernel.mean()) < 0.1 * kernel.std()
    # relu halves the mean square of what the kernel doubled; borders see fewer cells.
    x = np.random.default_rng(2).normal(size=(2, 24, 24, 512)).astype(np.float32)
    y = model(x, training=False)[:, 2:-2, 2:-2]
    np.testing.assert_allclose(tf.reduce_mean(y**2), 1, rtol=0.1)


@pytest.mark.parametrize("groups", [1, 4])
def test_kernel_keeps_the_variance(groups):
    tf_keras.utils.set_random_seed(1)
    _, conv, _ = _model(channels=64, filters=64, size=3, groups=groups)
    assert isinstance(conv, tf_keras.layers.Conv2D)
    np.testing.assert_allclose(conv.kernel.numpy().var(), 2 / (9 * 64 / groups), rtol=0.05)


def test_names_follow_the_calls():
    net = _net(activation="mish")
    images = tf_keras.Input((4, 4, 2))
    x = net.conv(images, 4, 1)
    x = net.conv(x, 4, 3, groups=4, part="neck", activation="leaky")
    net.activation = "relu"
    x = net.conv(x, 4, 1, batch_norm=False, part="neck")
    model = tf_keras.Model(images, net.output(x, 5))
    assert net.count == 4
    names = [(conv.name, norm and norm.name) for conv, norm in blocks.conv_layers(model)]
    assert names == [
        ("backbone_conv_000", "backbone_conv_000_bn"),
        ("neck_conv_001", "neck_conv_001_bn"),
        ("neck_conv_002", None),
        ("output_conv_003", None),
    ]
    activations = {"backbone_conv_000_mish", "neck_conv_001_leaky", "neck_conv_002_relu"}
    assert activations < {layer.name for layer in model.layers}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_pool_gives_the_same_before_and_after_the_activation(activation):
    images = tf_keras.Input((7, 6, 4))
    pooled = tf_keras.Model(images, _net().conv(images, 8, 3, activation=activation, pool=True))
    x = max_pool(_net().conv(images, 8, 3, activation=activation))
    plain = tf_keras.Model(images, x)
    plain.set_weights(pooled.get_weights())
    x = _random(2, 7, 6, 4)
    results = []
    for model in (pooled, plain):
        with tf.GradientTape() as tape:
            y = model(x, training=True)
        results.append([y, *tape.gradient(y, model.trainable_variables)])
    assert results[0][0].shape == (2, 4, 3, 8)
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)
    quarter = pooled.layers[-1].input_shape[1:3] == (4, 3)
    assert quarter == (activation not in ("mish", "swish", "hard_swish", "linear"))


def test_residual_adds_its_input():
    images = tf_keras.Input((4, 4, 8))
    model = tf_keras.Model(images, _net().residual(images, 8))
    (reduce, _), (expand, norm) = blocks.conv_layers(model)
    assert (reduce.filters, reduce.kernel_size) == (4, (1, 1))
    assert (expand.filters, expand.kernel_size) == (8, (3, 3))
    norm.set_weights([np.zeros(8), np.zeros(8), np.zeros(8), np.ones(8)])  # the branch gives 0
    x = _random(1, 4, 4, 8)
    np.testing.assert_array_equal(model(x, training=False), x)


def test_set_output_bias():
    images = tf_keras.Input((4, 4, 2))
    model = tf_keras.Model(images, {32: _net().output(images, 3)})
    blocks.set_output_bias(model, 32, [1, 2, 3])
    np.testing.assert_allclose(model(np.zeros((1, 4, 4, 2)))[32][0, 0, 0], [1, 2, 3])
    blocks.set_output_bias(model, 32, -4)
    np.testing.assert_allclose(model(np.zeros((1, 4, 4, 2)))[32][0, 0, 0], [-4, -4, -4])
    with pytest.raises(ValueError, match="4"):
        blocks.set_output_bias(model, 32, [1, 2, 3, 4])
    with pytest.raises(KeyError):
        blocks.set_output_bias(model, 16, 0)
