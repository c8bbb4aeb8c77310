"""Optimisers against plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.config import OptimizerConfig, ScheduleConfig
from yolo_tf.errors import UserError
from yolo_tf.train.optimizers import OPTIMIZERS, Schedule, make_optimizer

NAMES = ("conv/kernel", "conv/bias", "norm/gamma", "norm/beta")


def variables(seed=0):
    random = np.random.default_rng(seed)
    return [tf.Variable(random.normal(size=3).astype(np.float32), name=name) for name in NAMES]


def gradients(step):
    random = np.random.default_rng(100 + step)
    return [random.normal(size=3).astype(np.float32) for _ in NAMES]


def run(steps, zero_gradients=False, **settings):
    optimizer = make_optimizer(OptimizerConfig(**settings), settings.get("learning_rate", 0.1))
    weights = variables()
    for step in range(steps):
        values = [np.zeros(3, np.float32)] * 4 if zero_gradients else gradients(step)
        optimizer.apply_gradients(zip(map(tf.constant, values), weights, strict=True))
    return [weight.numpy() for weight in weights]


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_decay_goes_through_the_momentum(nesterov):
    found = run(
        5, name="sgd", learning_rate=0.1, momentum=0.9, nesterov=nesterov, weight_decay=0.01,
        clip_norm=0.0,
    )  # fmt: skip
    for index, start in enumerate(variables()):
        w, velocity = start.numpy().astype(np.float64), 0.0
        for step in range(5):
            decay = 0.01 * w if NAMES[index].endswith("kernel") else 0.0
            gradient = gradients(step)[index] + decay
            velocity = 0.9 * velocity - 0.1 * gradient
            w += 0.9 * velocity - 0.1 * gradient if nesterov else velocity
        np.testing.assert_allclose(found[index], w, rtol=1e-5, err_msg=NAMES[index])


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_decay_is_on_kernels_alone(name):
    found = run(3, zero_gradients=True, name=name, learning_rate=0.1, weight_decay=0.1)
    for index, start in enumerate(variables()):
        if NAMES[index].endswith("kernel"):
            assert (np.abs(found[index]) < np.abs(start.numpy())).all()
        else:
            np.testing.assert_array_equal(found[index], start.numpy())


def test_adamw_decay_is_decoupled():
    found = run(2, zero_gradients=True, name="adamw", learning_rate=0.1, weight_decay=0.5)
    np.testing.assert_allclose(found[0], variables()[0].numpy() * (1 - 0.1 * 0.5) ** 2, rtol=1e-5)


def test_adam_has_no_decay():
    found = run(3, zero_gradients=True, name="adam", learning_rate=0.1, weight_decay=0.5)
    np.testing.assert_array_equal(found[0], variables()[0].numpy())


def test_adam_against_numpy():
    found = run(4, name="adam", learning_rate=0.1, momentum=0.8, clip_norm=0.0)
    for index, start in enumerate(variables()):
        w, m, v = start.numpy().astype(np.float64), 0.0, 0.0
        for step in range(4):
            gradient = gradients(step)[index].astype(np.float64)
            m = 0.8 * m + 0.2 * gradient
            v = 0.999 * v + 0.001 * gradient**2
            mean, variance = m / (1 - 0.8 ** (step + 1)), v / (1 - 0.999 ** (step + 1))
            w -= 0.1 * mean / (np.sqrt(variance) + 1e-7)
        np.testing.assert_allclose(found[index], w, rtol=1e-4)


def test_clipping_is_of_the_norm_of_all_gradients_together():
    found = run(1, name="sgd", learning_rate=1.0, momentum=0.0, weight_decay=0.0, clip_norm=0.5)
    norm = np.sqrt(sum((g**2).sum() for g in gradients(0)))
    assert norm > 0.5
    for index, start in enumerate(variables()):
        expected = start.numpy() - gradients(0)[index] * 0.5 / norm
        np.testing.assert_allclose(found[index], expected, rtol=1e-5)


def test_small_gradients_are_not_clipped():
    clipped, free = (
        run(1, name="sgd", learning_rate=1.0, momentum=0.0, weight_decay=0.0, clip_norm=norm)
        for norm in (1000.0, 0.0)
    )
    for a, b in zip(clipped, free, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_decay_is_not_clipped():
    found = run(
        1, zero_gradients=True, name="sgd", learning_rate=1.0, momentum=0.0, weight_decay=0.5,
        clip_norm=1e-6,
    )  # fmt: skip
    np.testing.assert_allclose(found[0], variables()[0].numpy() * 0.5, rtol=1e-6)


class Halving(tf_keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1 * 0.5 ** tf.cast(step, tf.float32)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_follows_a_schedule(name):
    config = OptimizerConfig(name=name, momentum=0.0, weight_decay=0.0)
    optimizer = make_optimizer(config, Halving())
    weight = tf.Variable([1.0], name="conv/kernel")
    moves = []
    for _ in range(3):
        before = weight.numpy()
        optimizer.apply_gradients([(tf.constant([1.0]), weight)])
        moves.append(float((before - weight.numpy())[0]))
    assert moves == pytest.approx([0.1, 0.05, 0.025], rel=1e-3)


def test_an_unknown_name():
    with pytest.raises(UserError, match=r"config.train.optimizer.name: found 'lion', expected one"):
        make_optimizer(OptimizerConfig(name="lion"), 0.1)


def test_biases_and_momentum_have_warmups_of_their_own():
    """As algorithms.md 9.3, with the learning rate inside the velocity as in Keras."""
    config = OptimizerConfig(
        name="sgd", momentum=0.937, weight_decay=0.0, clip_norm=0.0, bias_warmup_rate=0.1,
        momentum_warmup=0.8,
    )  # fmt: skip
    schedule = Schedule(ScheduleConfig(name="constant", warmup_epochs=1), 0.01, 4, 3)
    optimizer = make_optimizer(config, schedule)
    weights = variables()
    for step in range(6):
        optimizer.apply_gradients(zip(map(tf.constant, gradients(step)), weights, strict=True))
    for index, start in enumerate(variables()):
        w, velocity = start.numpy().astype(np.float64), 0.0
        for step in range(6):
            share = min((step + 1) / 4, 1)
            bias = NAMES[index].endswith(("bias", "beta"))
            rate = 0.1 * (1 - share) + 0.01 * share if bias else 0.01 * share
            velocity = (0.8 + 0.137 * share) * velocity - rate * gradients(step)[index]
            w += velocity
        np.testing.assert_allclose(weights[index].numpy(), w, rtol=1e-5, err_msg=NAMES[index])
