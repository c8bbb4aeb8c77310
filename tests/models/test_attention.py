"""Attention: the gates of the papers, and that every network of the zoo takes them."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.errors import UserError
from yolo_tf.models import backbones, zoo
from yolo_tf.models.attention import ATTENTION, attention
from yolo_tf.models.blocks import Darknet, conv_layers
from yolo_tf.models.ssd import vgg16

SETTINGS = {"se": {"reduction": 2}, "cbam": {"reduction": 2, "size": 3}, "eca": {}, "ese": {}}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def made(kind):
    """A layer with random weights, and an input."""
    random = np.random.default_rng(0)
    layer = attention(kind, **SETTINGS[kind])
    x = random.normal(size=(2, 5, 4, 32)).astype(np.float32)
    layer(x)
    layer.set_weights([random.normal(0, 0.5, w.shape) for w in layer.get_weights()])
    return layer, x


def bottleneck(values, weights):
    squeeze, squeeze_bias, excite, excite_bias = weights
    return np.maximum(values @ squeeze[0, 0] + squeeze_bias, 0) @ excite[0, 0] + excite_bias


def test_squeeze_and_excitation():
    layer, x = made("se")
    gates = sigmoid(bottleneck(x.mean((1, 2)), layer.get_weights()))
    np.testing.assert_allclose(layer(x), x * gates[:, None, None], atol=1e-5)


def test_effective_squeeze_and_excitation():
    layer, x = made("ese")
    kernel, bias = layer.get_weights()
    gates = np.clip(x.mean((1, 2)) @ kernel[0, 0] + bias + 3, 0, 6) / 6
    np.testing.assert_allclose(layer(x), x * gates[:, None, None], atol=1e-5)


def test_cbam():
    layer, x = made("cbam")
    *weights, kernel = layer.get_weights()
    logits = bottleneck(x.mean((1, 2)), weights) + bottleneck(x.max((1, 2)), weights)
    x = x * sigmoid(logits)[:, None, None]
    maps = np.pad(np.stack([x.mean(-1), x.max(-1)], -1), ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(maps, (3, 3), (1, 2))
    logits = np.einsum("byxcij,ijc->byx", windows, kernel[..., 0])
    np.testing.assert_allclose(layer(made("cbam")[1]), x * sigmoid(logits)[..., None], atol=1e-5)


def test_efficient_channel_attention():
    layer, x = made("eca")
    (kernel,) = layer.get_weights()
    assert kernel.shape == (1, 3, 1, 1)  # log2(32) / 2 + 1 / 2 = 3
    means = np.pad(x.mean((1, 2)), ((0, 0), (1, 1)))
    logits = sum(kernel[0, i, 0, 0] * means[:, i : i + 32] for i in range(3))
    np.testing.assert_allclose(layer(x), x * sigmoid(logits)[:, None, None], atol=1e-5)


@pytest.mark.parametrize(("channels", "size"), [(64, 3), (256, 5), (512, 5), (1024, 5)])
def test_neighbours_of_the_paper(channels, size):
    layer = attention("eca")
    layer.build((None, 4, 4, channels))
    assert layer.kernel.shape == (1, size, 1, 1)


@pytest.mark.parametrize("kind", ATTENTION)
def test_a_saved_model_comes_back(tmp_path, kind):
    layer, x = made(kind)
    images = tf_keras.Input(x.shape[1:])
    model = tf_keras.Model(images, layer(images))
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(tf_keras.models.load_model(tmp_path / "model.keras")(x), model(x))


@pytest.mark.parametrize("kind", ATTENTION)
def test_half_precision(kind):
    layer, x = made(kind)
    expected = layer(x)
    half = attention(kind, dtype="mixed_bfloat16", **SETTINGS[kind])
    half(x)
    half.set_weights(layer.get_weights())
    assert half(x).dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(half(x), tf.float32), expected, atol=0.05)


# How many feature maps each backbone hands on.
BACKBONES = {
    backbones.darknet53: 3,
    backbones.tiny: 2,
    backbones.csp_darknet53: 3,
    backbones.csp_darknet53_tiny: 2,
    vgg16: 2,
}


@pytest.mark.parametrize("backbone", BACKBONES, ids=lambda backbone: backbone.__name__)
def test_backbones_hand_on_what_attention_gives(backbone):
    net = Darknet(0.97, 1e-5, attention="eca")
    features = backbone(net, tf_keras.Input((64, 64, 3)))
    assert len(features) == BACKBONES[backbone]
    for stride, x in features.items():
        assert isinstance(x.node.layer, ATTENTION["eca"])
        assert x.node.layer.name == f"neck_attention_{stride}"


@pytest.mark.parametrize("name", ["yolox_nano", "yolo_n", "yolov3_tiny"])
def test_networks_of_the_zoo_attend(name):
    channels = dict.fromkeys(zoo.STRIDES[name], (4, 7) if name in zoo.IN_PARTS else 11)
    network = zoo.MODELS[name]((32, 32), channels, attention="eca")
    names = {layer.name for layer in network.layers if "attention" in layer.name}
    assert names == {f"neck_attention_{stride}" for stride in zoo.STRIDES[name]}
    numbers = [int(conv.name.rsplit("_", 1)[1]) for conv, _ in conv_layers(network)]
    assert numbers == list(range(len(numbers)))


def test_an_unknown_name_is_refused():
    message = (
        r"config\.model\.attention: found 'sam', expected one of se, ese, cbam, eca, or nothing"
    )
    with pytest.raises(UserError, match=message):
        zoo.MODELS["yolov3_tiny"]((32, 32), {16: 8, 32: 8}, attention="sam")
