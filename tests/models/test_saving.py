"""Networks saved in Keras' format load again, with the same outputs."""

import re
from pathlib import Path

import numpy as np
import pytest
import tf_keras

from yolo_tf.config.recipes import find_recipe, load_recipe
from yolo_tf.detector.build import build_detector
from yolo_tf.models import layers, ssd
from yolo_tf.models.network import Network

PAGE = Path(__file__).resolve().parents[2] / "docs" / "keras.md"


def assert_loads_again(network, images, path) -> None:
    expected = network(images, training=False)
    network.save(path)
    loaded = tf_keras.models.load_model(path)
    found = loaded(images, training=False)
    assert list(found) == list(expected)
    for stride in expected:
        np.testing.assert_array_equal(found[stride], expected[stride])
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in network.layers]


def test_a_saved_network_loads_again(tmp_path):
    config = load_recipe(find_recipe("yolox_nano"))
    config.input_size, config.model.attention = (64, 96), "eca"
    network = build_detector(config, ["a", "b"], bn_synchronized=True).network
    images = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    assert_loads_again(network, images, tmp_path / "x.keras")


@pytest.mark.parametrize(
    "layer",
    [
        layers.PadForMax((0, 1)),
        layers.Upsample(2),
        layers.ChannelGroup(2, 1),
        layers.FitChannels(3),
        layers.Reorg(2),
        layers.SpaceToDepth(2),
        layers.activate,
        ssd.L2Normalise(7.0),
    ],
    ids=lambda layer: getattr(layer, "name", "mish"),
)
def test_each_layer_loads_again(layer, tmp_path):
    inputs = tf_keras.Input([4, 6, 8])
    outputs = layer(inputs, "mish") if layer is layers.activate else layer(inputs)
    # The order of strides is not that of their texts.
    network = Network(inputs, {100: outputs, 8: inputs + 1, 16: inputs * 2}, name="small")
    images = np.random.default_rng(0).normal(size=(2, 4, 6, 8)).astype(np.float32)
    assert_loads_again(network, images, tmp_path / "x.keras")


def test_the_page_runs_as_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1], names)
    assert names["outputs"][8].shape == (2, 12, 12, 66)
    for stride, raw in names["outputs"].items():
        np.testing.assert_array_equal(names["again"][stride], raw)
