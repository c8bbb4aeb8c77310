"""Moving averages of the weights, against their formulas."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.config import AveragesConfig
from yolo_tf.errors import UserError
from yolo_tf.train.averages import WeightAverages

FORMULAS = {
    "none": lambda n: 0.9,
    "ratio": lambda n: min(0.9, (1 + n) / (10 + n)),
    "exponential": lambda n: 0.9 * (1 - np.exp(-n / 2000)),
}


def network():
    layers = [tf_keras.layers.Dense(2, input_shape=(3,)), tf_keras.layers.BatchNormalization()]
    return tf_keras.Sequential(layers)


@pytest.mark.parametrize("ramp", FORMULAS)
def test_against_the_formula(ramp):
    model = network()
    averages = WeightAverages(model, AveragesConfig(decay=0.9, ramp=ramp))
    expected = [weight.astype(np.float64) for weight in model.get_weights()]
    for step in range(1, 6):
        for index, weight in enumerate(model.weights):
            weight.assign_add(tf.fill(weight.shape, 0.1 * (index + step)))
        averages.update(tf.constant(step, tf.int64))
        decay = FORMULAS[ramp](step)
        pairs = zip(expected, model.get_weights(), strict=True)
        expected = [decay * value + (1 - decay) * weight for value, weight in pairs]
    for value, wanted in zip(averages.values, expected, strict=True):
        np.testing.assert_allclose(value.numpy(), wanted, rtol=1e-5)


def test_applied_for_a_while():
    model = network()
    averages = WeightAverages(model, AveragesConfig(decay=0.5, ramp="none"))
    start = model.get_weights()
    for weight in model.weights:
        weight.assign(weight + 1.0)
    after = model.get_weights()
    with averages.applied():
        for found, wanted in zip(model.get_weights(), start, strict=True):
            np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(model.get_weights(), after, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_another_ramp():
    with pytest.raises(UserError, match=r"averages.ramp: found 'linear', expected one of ratio"):
        WeightAverages(network(), AveragesConfig(decay=0.9, ramp="linear"))
