"""Darknet's layers without weights against plain numpy."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.models import layers


def _max_pool(size, stride, padding, x):
    return layers.max_pool(x, size, stride, padding)


# size, stride, padding (None: the default), height and width.
POOLS = [
    (2, 2, None, (6, 8)),
    (2, 2, None, (5, 7)),
    (2, 1, None, (5, 6)),
    (5, 1, None, (6, 4)),
    (3, 2, None, (8, 7)),
    (3, 2, 1, (8, 6)),
    (3, 2, 1, (7, 5)),
    (3, 1, 1, (4, 5)),
    (2, 2, 0, (5, 7)),
    (3, 2, 0, (7, 8)),
    (3, 3, 2, (7, 6)),
    (2, 3, 1, (8, 9)),
    (4, 2, 3, (6, 7)),
]
# f(2x) = 2 f(x) for all of them.
HOMOGENEOUS = {
    **{f"max_pool {p[:3]}": functools.partial(_max_pool, *p[:3]) for p in POOLS},
    "spatial_pyramid": layers.spatial_pyramid,
    "upsample 2": layers.upsample,
    "upsample 3": lambda x: layers.upsample(x, 3),
    "channel_group": lambda x: layers.channel_group(x, 2, 1),
    "concat": lambda x: layers.concat([x, 2 * x]),
    "shortcut": lambda x: layers.shortcut(x, [3 * x]),
    "shortcut of fewer": lambda x: layers.shortcut(x, [x[..., :3]]),
    "shortcut of more": lambda x: layers.shortcut(x[..., :3], [x, 2 * x]),
    "reorg": lambda x: layers.reorg(x, 2),
    "reorg3d": lambda x: layers.reorg3d(x, 2),
}


def _random(*shape):
    return np.random.default_rng(7).uniform(-1, 1, shape).astype(np.float32)


def _max_pool_reference(x, size, stride, padding):
    """Darknet's maxpool: the window starts at `-(padding // 2)`, cells outside are -inf."""
    rows = (x.shape[1] + padding - size) // stride + 1
    cols = (x.shape[2] + padding - size) // stride + 1
    pads = (padding // 2, size)
    x = np.pad(x, ((0, 0), pads, pads, (0, 0)), constant_values=-np.inf)
    out = np.empty((x.shape[0], rows, cols, x.shape[3]), np.float32)
    for i in range(rows):
        for j in range(cols):
            patch = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
            out[:, i, j] = patch.max(axis=(1, 2))
    return out


def _reorg_reference(x, s):
    """Darknet's loop over one image: [c, h, w] to [c s^2, h / s, w / s] (algorithms.md 6.2)."""
    c, h, w = x.shape
    flat, out = x.reshape(-1), np.empty(x.size, x.dtype)
    for k in range(c):
        c2, offset = k % (c // s**2), k // (c // s**2)
        for j in range(h):
            for i in range(w):
                row = c2 * h * s + j * s + offset // s
                out[(k * h + j) * w + i] = flat[row * w * s + i * s + offset % s]
    return out.reshape(c * s**2, h // s, w // s)


@pytest.mark.parametrize("name", HOMOGENEOUS)
def test_compiled_with_xla_and_its_gradient(name):
    layer, x = HOMOGENEOUS[name], tf.constant(_random(2, 6, 8, 4))
    weights = _random(*layer(x).shape)

    @functools.partial(tf.function, jit_compile=True)
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            total = tf.reduce_sum(y * weights)
        return y, tape.gradient(total, x)

    y, gradient = run(x)
    np.testing.assert_allclose(y, layer(x), rtol=1e-6)
    assert np.abs(gradient).max() > 0
    # Euler's theorem on homogeneous functions of degree 1: x times the gradient is the value.
    np.testing.assert_allclose(np.vdot(gradient, x), np.vdot(y, weights), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("size", "stride", "padding", "sides"), POOLS)
def test_max_pool_is_darknets(size, stride, padding, sides):
    x = _random(2, *sides, 3) - 2  # below 0, so that zeros outside would win
    expected = _max_pool_reference(x, size, stride, size - 1 if padding is None else padding)
    np.testing.assert_array_equal(layers.max_pool(x, size, stride, padding), expected)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_max_pool_of_half_precision(dtype):
    x = tf.cast(_random(1, 8, 6, 2) - 2, dtype)
    y = layers.max_pool(x, 3, 2, 1)
    expected = _max_pool_reference(tf.cast(x, tf.float32).numpy(), 3, 2, 1)
    np.testing.assert_array_equal(tf.cast(y, tf.float32), expected)


def test_spatial_pyramid_pools_13_9_5_then_the_input():
    x = _random(1, 15, 14, 2)
    pools = [_max_pool_reference(x, size, 1, size - 1) for size in (13, 9, 5)]
    np.testing.assert_array_equal(layers.spatial_pyramid(x), np.concatenate([*pools, x], axis=-1))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_upsample_repeats_rows_and_columns(stride):
    x = _random(2, 3, 4, 5)
    np.testing.assert_array_equal(
        layers.upsample(x, stride), x.repeat(stride, axis=1).repeat(stride, axis=2)
    )


@pytest.mark.parametrize("stride", [2, 3])
def test_upsample_gradient_sums_the_copies(stride):
    x = tf.constant(_random(1, 2, 3, 1))
    weights = _random(1, 2 * stride, 3 * stride, 1)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(layers.upsample(x, stride) * weights)
    expected = weights.reshape(1, 2, stride, 3, stride, 1).sum(axis=(2, 4))
    np.testing.assert_allclose(tape.gradient(y, x), expected, rtol=1e-5, atol=1e-6)


def test_concat_keeps_the_order():
    x, y = _random(1, 2, 2, 3), _random(1, 2, 2, 1)
    np.testing.assert_array_equal(layers.concat([y, x]), np.concatenate([y, x], axis=-1))


@pytest.mark.parametrize(("groups", "index"), [(1, 0), (2, 0), (2, 1), (3, 1), (6, 5)])
def test_channel_group_is_one_of_equal_parts(groups, index):
    x = _random(1, 2, 3, 6)
    np.testing.assert_array_equal(
        layers.channel_group(x, groups, index), np.split(x, groups, axis=-1)[index]
    )


@pytest.mark.parametrize("others", [[4], [2], [7], [4, 2, 7]])
def test_shortcut_adds_the_channels_in_common(others):
    x = _random(1, 2, 3, 4)
    others = [_random(1, 2, 3, channels) for channels in others]
    expected = x.copy()
    for y in others:
        common = min(4, y.shape[-1])
        expected[..., :common] += y[..., :common]
    np.testing.assert_allclose(layers.shortcut(x, others), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 6, 8), (8, 2, 2), (64, 4, 2)])
def test_reorg_is_darknets_loop(shape):
    x = _random(2, *shape)
    expected = np.stack([_reorg_reference(picture, 2) for picture in x])
    y = layers.reorg(x.transpose(0, 2, 3, 1), 2)
    np.testing.assert_array_equal(y, expected.transpose(0, 2, 3, 1))


def test_reorg_of_stride_3():
    x = _random(1, 9, 6, 3)
    y = layers.reorg(x.transpose(0, 2, 3, 1), 3)
    np.testing.assert_array_equal(y[0], _reorg_reference(x[0], 3).transpose(1, 2, 0))


@pytest.mark.parametrize("stride", [2, 3])
def test_reorg3d_is_space_to_depth(stride):
    x = _random(2, 6, 12, 5)
    y = layers.reorg3d(x, stride).numpy()
    assert y.shape == (2, 6 // stride, 12 // stride, 5 * stride**2)
    for row in range(stride):
        for col in range(stride):
            first = (row * stride + col) * 5
            np.testing.assert_array_equal(y[..., first : first + 5], x[:, row::stride, col::stride])
