"""Darknet's layers against plain numpy."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.models import blocks
from yolo_tf.models import layers as darknet_layers


def _net():
    return blocks.Darknet(bn_momentum=0.9, bn_epsilon=1e-5)


def _conv_reference(x, kernel, stride):
    """Darknet's convolution: `size // 2` zeros on every side, windows from the top left corner."""
    size = kernel.shape[0]
    pad = size // 2
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    rows = (x.shape[1] - size) // stride + 1
    cols = (x.shape[2] - size) // stride + 1
    out = np.empty((x.shape[0], rows, cols, kernel.shape[3]), np.float32)
    for i in range(rows):
        for j in range(cols):
            patch = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
            out[:, i, j] = np.tensordot(patch, kernel, 3)
    return out


def _max_pool_reference(x, size, stride, padding):
    """Darknet's maxpool: the window starts at `-(padding // 2)`, cells outside are -inf."""
    rows = (x.shape[1] + padding - size) // stride + 1
    cols = (x.shape[2] + padding - size) // stride + 1
    x = np.pad(x, ((0, 0), (padding // 2, size), (padding // 2, size), (0, 0)), constant_values=-9)
    out = np.empty((x.shape[0], rows, cols, x.shape[3]), np.float32)
    for i in range(rows):
        for j in range(cols):
            patch = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
            out[:, i, j] = patch.max(axis=(1, 2))
    return out


def _random(*shape):
    return np.random.default_rng(7).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("sides", [(8, 6), (7, 5)])
def test_conv_is_darknets(size, stride, sides):
    images = tf_keras.Input((None, None, 3))
    model = tf_keras.Model(images, _net().conv(images, 4, size, stride))
    conv, norm = blocks.conv_layers(model)[0]
    beta, gamma, mean, var = _random(4), 1 + _random(4) / 2, _random(4), 0.5 + _random(4) ** 2
    norm.set_weights([gamma, beta, mean, var])

    x = _random(2, *sides, 3)
    y = _conv_reference(x, conv.kernel.numpy(), stride)
    y = gamma * (y - mean) / np.sqrt(var + 1e-5) + beta
    expected = np.where(y > 0, y, 0.1 * y)

    np.testing.assert_allclose(model(x, training=False), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "stride", "sides"), [(2, 2, (6, 8)), (2, 2, (5, 7)), (2, 1, (5, 6)), (5, 1, (6, 4))]
)
def test_max_pool_is_darknets(size, stride, sides):
    x = _random(2, *sides, 3)
    expected = _max_pool_reference(x, size, stride, padding=size - 1)
    np.testing.assert_array_equal(darknet_layers.max_pool(x, size, stride), expected)


def test_spatial_pyramid_pools_13_9_5_then_the_input():
    x = _random(1, 15, 14, 2)
    pools = [_max_pool_reference(x, size, 1, size - 1) for size in (13, 9, 5)]
    np.testing.assert_array_equal(
        darknet_layers.spatial_pyramid(x), np.concatenate([*pools, x], axis=-1)
    )


def test_upsample_repeats_rows_and_columns():
    x = _random(2, 3, 4, 5)
    np.testing.assert_array_equal(darknet_layers.upsample(x), x.repeat(2, axis=1).repeat(2, axis=2))


def test_upsample_gradient_sums_the_copies():
    x = tf.constant(_random(1, 2, 3, 1))
    weights = _random(1, 4, 6, 1)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(darknet_layers.upsample(x) * weights)
    expected = weights.reshape(1, 2, 2, 3, 2, 1).sum(axis=(2, 4))
    np.testing.assert_allclose(tape.gradient(y, x), expected, rtol=1e-6)


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
