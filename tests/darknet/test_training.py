"""Networks of cfgs train: the same step with and without XLA, and the loss falls."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.darknet.cfgs import SMALL
from yolo_tf.config import Config
from yolo_tf.darknet.recipe import apply_cfg
from yolo_tf.detector.build import build_detector

BOXES = np.array([[[0.2, 0.3, 0.6, 0.7], [0, 0, 0, 0]], [[0.1, 0.1, 0.4, 0.9], [0.5, 0, 1, 1]]])
CLASSES = np.array([[1, -1], [0, 1]])


@pytest.fixture(params=SMALL)
def detector(request, tmp_path):
    path = tmp_path / "net.cfg"
    # Dropout draws other numbers under XLA.
    path.write_text(SMALL[request.param].replace(".15", "0").replace("[dropout]\n", ""))
    config = Config()
    apply_cfg(config, path)
    tf.random.set_seed(0)
    return build_detector(config, ["a", "b"])


def test_one_step_with_and_without_xla(detector):
    images = np.random.default_rng(0).uniform(size=(2, 64, 96, 3)).astype(np.float32)
    targets = detector.head.encode(tf.constant(BOXES, tf.float32), tf.constant(CLASSES, tf.int32))
    network = detector.network

    def gradients(images, targets):
        with tf.GradientTape() as tape:
            values = detector.head.loss(targets, network(images, training=False))
            loss = tf.reduce_sum(values["loss"])
        return loss, tape.gradient(loss, network.trainable_variables)

    plain = tf.function(gradients)(images, targets)
    compiled = tf.function(gradients, jit_compile=True)(images, targets)
    assert np.isfinite(plain[0])
    for one, other in zip(tf.nest.flatten(plain), tf.nest.flatten(compiled), strict=True):
        scale = max(float(tf.reduce_max(tf.abs(one))), 1e-3)
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * scale)


def test_it_learns(detector):
    images = np.random.default_rng(0).uniform(size=(2, 64, 96, 3)).astype(np.float32)
    targets = detector.head.encode(tf.constant(BOXES, tf.float32), tf.constant(CLASSES, tf.int32))
    detector.compile(optimizer=tf_keras.optimizers.Adam(0.01))
    batch = {"image": images, "targets": targets, "image_key": tf.constant([1, 2], tf.int64)}
    step = tf.function(detector.train_step)
    first = float(step(batch)["loss"])
    for _ in range(30):
        step(batch)
    detector.reset_metrics()
    assert float(step(batch)["loss"]) < 0.7 * first
