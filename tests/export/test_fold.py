"""Folded and frozen networks give the outputs of the trained one."""

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.config.recipes import find_recipe, load_recipe
from yolo_tf.detector.build import build_detector
from yolo_tf.export.fold import folded, frozen

# One of each kind of network: own blocks, YOLOX' and SSD's outputs; with and without attention.
RECIPES = {"yolov3_tiny": "se", "yolov4_tiny": "cbam", "yolox_tiny": "eca", "ssd_tiny": ""}


def randomise(network, seed=0):
    """Statistics and scales as a trained network has them: not 0 and 1."""
    random = np.random.default_rng(seed)
    for variable in network.weights:
        if len(variable.shape) == 1:
            noise = random.uniform(0.5, 1.5, variable.shape)
            variable.assign(noise if "beta" not in variable.name else noise - 1)


@pytest.mark.parametrize("name", RECIPES)
def test_folding_changes_rounding_alone(name):
    config = load_recipe(find_recipe(name))
    config.input_size, config.model.attention = (64, 96), RECIPES[name]
    detector = build_detector(config, ["a", "b"])
    randomise(detector.network)
    images = tf.random.stateless_uniform([2, 64, 96, 3], (1, 2))
    expected = detector.network(images, training=False)
    network = folded(detector, config)
    assert not any("batch_norm" in type(layer).__name__.lower() for layer in network.layers)
    assert network.count_params() < detector.network.count_params()
    for run in (network, frozen(network), frozen(network, batch=2)):
        found = run(images)
        assert set(found) == set(expected)
        for stride, raw in expected.items():
            scale = float(tf.reduce_max(abs(raw)))
            np.testing.assert_allclose(found[stride] / scale, raw / scale, atol=2e-5)
