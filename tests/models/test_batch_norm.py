"""Synchronised batch norm on one replica; detector/test_detector.py compares it on several."""

import numpy as np
import pytest
import tensorflow as tf
from tf_keras import layers

from yolo_tf.models.batch_norm import SynchronizedBatchNorm

SHAPE = (4, 5, 6, 7)


def make(kind, **settings):
    layer = kind(momentum=0.9, **settings)
    layer.build(SHAPE)
    layer.gamma.assign(np.linspace(0.5, 2, SHAPE[-1]))
    layer.beta.assign(np.linspace(-1, 1, SHAPE[-1]))
    return layer


def run(layer, x, training):
    """Output, gradients and moving statistics after a call."""
    weight = tf.random.stateless_normal(SHAPE, (0, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * weight)
    gradients = tape.gradient(loss, [x, layer.gamma, layer.beta])
    return [y, *gradients, layer.moving_mean, layer.moving_variance]


@pytest.mark.parametrize(("training", "trainable"), [(True, True), (False, True), (True, False)])
def test_is_batch_norm(training, trainable):
    x = tf.constant(np.random.default_rng(0).normal(3, 2, SHAPE), tf.float32)
    plain = make(layers.BatchNormalization, synchronized=True)
    ours = make(SynchronizedBatchNorm)
    ours.trainable = plain.trainable = trainable
    for a, b in zip(run(ours, x, training), run(plain, x, training), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert [w.name for w in ours.weights] == [w.name for w in plain.weights]


def test_statistics_of_bfloat16_are_computed_in_float32():
    x = tf.random.stateless_uniform((8, 32, 32, SHAPE[-1]), (0, 1), 90, 110, tf.float32)
    x = tf.cast(x, tf.bfloat16)
    layer = SynchronizedBatchNorm(momentum=0.0, dtype="mixed_bfloat16")
    y = layer(x, training=True)
    assert y.dtype == tf.bfloat16
    values = tf.cast(x, tf.float32).numpy().reshape(-1, SHAPE[-1])
    np.testing.assert_allclose(layer.moving_mean, values.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, values.var(0), rtol=3e-3)
    found = tf.cast(y, tf.float32).numpy().reshape(-1, SHAPE[-1])
    np.testing.assert_allclose(found.std(0), 1, rtol=1e-2)
