"""A batch in parts gives the gradients of the whole batch, whatever the loss counts over it."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.every_head import HEADS
from tests.small import add_micro
from yolo_tf.benchmark.step import random_boxes
from yolo_tf.config import Config, ModelConfig
from yolo_tf.detector.build import build_detector
from yolo_tf.detector.gradients import batch_gradients

SIZE, BATCH, CLASSES = (64, 96), 8, 3


@pytest.fixture(autouse=True)
def micro_network(monkeypatch):
    add_micro(monkeypatch)


def make(name):
    tf_keras.utils.set_random_seed(0)
    config = Config(input_size=SIZE, model=ModelConfig(name="micro"), head=HEADS[name])
    return build_detector(config, [f"class {n}" for n in range(CLASSES)])


def batch_for(head):
    """Images with few and many boxes, so that the parts differ; one has none."""
    boxes, classes = random_boxes(BATCH, 12, CLASSES)
    boxes[3], classes[3] = 0, -1
    boxes[4:, 1:], classes[4:, 1:] = 0, -1
    images = np.random.default_rng(0).uniform(size=[BATCH, *SIZE, 3]).astype(np.float32)
    return tf.constant(images), head.encode(tf.constant(boxes), tf.constant(classes))


def statistics(network):
    return [variable.numpy() for variable in network.non_trainable_variables]


@pytest.mark.parametrize("name", HEADS)
def test_parts_equal_the_whole(name):
    detector = make(name)
    for layer in detector.network.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.trainable = False  # frozen: its statistics do not depend on the other images
    images, targets = batch_for(detector.head)
    results = [
        tf.function(batch_gradients)(detector.network, detector.head, images, targets, parts)
        for parts in (1, 4)
    ]
    (values, gradients), (other_values, other_gradients) = results
    assert set(values) == set(other_values) == set(detector.head.value_names())
    for key, value in values.items():
        np.testing.assert_allclose(other_values[key], value, rtol=1e-4, atol=1e-6, err_msg=key)
    assert len(gradients) == len(detector.network.trainable_variables)
    for a, b in zip(gradients, other_gradients, strict=True):
        assert np.abs(a - b).max() <= 1e-5 * max(np.abs(a).max(), 1e-2)


@pytest.mark.parametrize("name", ["darknet", "yolox"])
def test_batch_norm_sees_each_part_once(name):
    detector, expected = make(name), make(name)
    images, targets = batch_for(detector.head)
    batch_gradients(detector.network, detector.head, images, targets, 4)
    for part in tf.split(images, 4):
        expected.network(part, training=True)
    before = statistics(make(name).network)
    found = statistics(detector.network)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(found, before, strict=True))
    for a, b in zip(found, statistics(expected.network), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["darknet", "ssd"])
def test_compiled(name):
    detector = make(name)
    images, targets = batch_for(detector.head)
    arguments = (detector.network, detector.head, images, targets, 2)
    values, gradients = tf.function(batch_gradients)(*arguments)
    start = statistics(make(name).network)
    for variable, value in zip(detector.network.non_trainable_variables, start, strict=True):
        variable.assign(value)
    compiled, compiled_gradients = tf.function(
        lambda images, targets: batch_gradients(
            detector.network, detector.head, images, targets, 2
        ),
        jit_compile=True,
    )(images, targets)
    for key, value in values.items():
        np.testing.assert_allclose(compiled[key], value, rtol=1e-4, atol=1e-6, err_msg=key)
    for a, b in zip(gradients, compiled_gradients, strict=True):
        assert np.abs(a - b).max() <= 1e-4 * max(np.abs(a).max(), 1e-2)
