"""Encoder and train step of every head compile with XLA and give the same numbers as without."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.every_head import HEADS
from tests.small import add_micro
from yolo_tf.benchmark.boxes import random_boxes
from yolo_tf.build import build_detector, build_head
from yolo_tf.config import Config, ModelConfig

SIZE, BATCH, CLASSES = (64, 96), 3, 4


def truth():
    """Boxes of three images: some, none, and as many as there is room for."""
    boxes, classes = random_boxes(BATCH, 20, CLASSES)
    full, full_classes = random_boxes(1, 20, CLASSES, seed=1)
    count = (full_classes >= 0).sum()
    boxes[1], classes[1] = 0.0, -1
    boxes[2], classes[2] = np.resize(full[0, :count], [20, 4]), 1
    return tf.constant(boxes), tf.constant(classes)


@pytest.mark.parametrize("name", HEADS)
def test_encoder(name):
    head = build_head(Config(input_size=SIZE, head=HEADS[name]), CLASSES)
    plain = tf.function(head.encode)(*truth())
    compiled = tf.function(head.encode, jit_compile=True)(*truth())
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), plain, compiled
    )


@pytest.mark.parametrize("name", HEADS)
def test_train_step(name, monkeypatch):
    add_micro(monkeypatch)
    plain, plain_weights = two_steps(name, jit=False)
    compiled, compiled_weights = two_steps(name, jit=True)
    assert np.isfinite(plain["loss"])
    assert set(plain) == set(compiled)
    for part, value in plain.items():
        assert compiled[part] == pytest.approx(value, rel=1e-4, abs=1e-5), part
    for a, b in zip(plain_weights, compiled_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def two_steps(name, jit):
    """(values, weights) after two updates from the same start."""
    tf_keras.utils.set_random_seed(0)
    config = Config(input_size=SIZE, model=ModelConfig(name="micro"), head=HEADS[name])
    detector = build_detector(config, [f"class {n}" for n in range(CLASSES)])
    detector.compile(optimizer=tf_keras.optimizers.SGD(1e-3, momentum=0.9))
    batch = {
        "image": tf.random.stateless_uniform([BATCH, *SIZE, 3], [0, 1]),
        "targets": detector.head.encode(*truth()),
        "image_key": tf.range(BATCH, dtype=tf.int64),
    }
    step = tf.function(detector.train_step, jit_compile=jit)
    step(batch)
    values = step(batch)
    return {key: float(value) for key, value in values.items()}, detector.get_weights()
