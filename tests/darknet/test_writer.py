"""Networks made in Python, written as cfg and weights, read by OpenCV."""

import re

import numpy as np
import pytest
import tf_keras

from tests.darknet.data import cfg_files
from yolo_tf.darknet.cfg import parse_cfg, read_cfg
from yolo_tf.darknet.network import build
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.darknet.weights import read_weights, write_weights
from yolo_tf.darknet.writer import network_cfg
from yolo_tf.errors import UserError
from yolo_tf.models import blocks, zoo
from yolo_tf.models import layers as darknet_layers
from yolo_tf.models.layers import activate

SIZE = (96, 64)  # height, width
YOLO = {"mask": "0,1,2", "anchors": "10,14,23,27,37,58", "classes": "2", "num": "3"}
OPENCV_EPSILON = 1e-6


def _randomise(network, seed: int = 0) -> None:
    """Batch norms that do something, outputs of about 1; kernels are random already."""
    rng = np.random.default_rng(seed)
    for conv, norm in blocks.conv_layers(network):
        if norm is None:
            conv.kernel.assign(rng.normal(0, conv.kernel.shape[2] ** -0.5, conv.kernel.shape))
            conv.bias.assign(rng.normal(0, 0.5, conv.bias.shape))
        else:
            for variable in (norm.gamma, norm.moving_variance):
                variable.assign(rng.uniform(0.7, 1.3, variable.shape))
            for variable in (norm.beta, norm.moving_mean):
                variable.assign(rng.normal(0, 0.1, variable.shape))


def _fields(network, **more) -> dict:
    return dict.fromkeys(network.output, YOLO | more)


def _write(network, folder, fields=None) -> str:
    """Writes net.cfg and net.weights; gives the text."""
    text = network_cfg(network, fields or _fields(network))
    (folder / "net.cfg").write_text(text)
    write_weights(folder / "net.weights", network)
    return text


def _kinds(text: str) -> list[str]:
    """Kinds of the layers, the first of which has place 0."""
    kinds = re.findall(r"^\[(\w+)\]$", text, re.MULTILINE)
    assert kinds[0] == "net"
    return kinds[1:]


def _image(network, seed: int = 1) -> np.ndarray:
    rows, cols, channels = network.input_shape[1:]
    return np.random.default_rng(seed).uniform(0, 1, (1, rows, cols, channels)).astype(np.float32)


def _assert_opencv_agrees(network, folder, text: str) -> None:
    """OpenCV reads what `_write` wrote; its raw outputs are ours within 1e-3 of the largest."""
    cv2 = pytest.importorskip("cv2")
    image = _image(network)
    ours = {s: y.numpy() for s, y in network(image, training=False).items()}

    net = cv2.dnn.readNetFromDarknet(str(folder / "net.cfg"), str(folder / "net.weights"))
    net.setInput(image.transpose(0, 3, 1, 2))
    places = [place for place, kind in enumerate(_kinds(text)) if kind == "yolo"]
    assert len(places) == len(ours)
    for place in places:
        theirs = net.forward(f"conv_{place - 1}").transpose(0, 2, 3, 1)
        stride = image.shape[1] // theirs.shape[1]
        largest = np.abs(theirs).max()
        assert largest > 0.1
        np.testing.assert_allclose(ours[stride], theirs, rtol=0, atol=1e-3 * largest)


def _shortcut(x, others, activation="linear"):
    return activate(darknet_layers.shortcut(x, others), activation)


# What -> (Darknet, [B, 48, 32, 8]) -> tensor.
PIECES = {
    "relu": lambda net, x: net.conv(x, 8, 3, activation="relu"),
    "swish": lambda net, x: net.conv(x, 8, 3, activation="swish"),
    "mish": lambda net, x: net.conv(x, 8, 3, activation="mish"),
    "logistic": lambda net, x: net.conv(x, 8, 3, activation="logistic"),
    "linear": lambda net, x: net.conv(x, 8, 3, activation="linear"),
    "bias": lambda net, x: net.conv(x, 8, 5, batch_norm=False),
    "groups": lambda net, x: net.conv(x, 12, 3, groups=2),
    "depthwise": lambda net, x: net.conv(x, 16, 3, stride=2, groups=8),
    "paddings": lambda net, x: net.conv(net.conv(x, 8, 3, padding=0), 8, 3, padding=2),
    "max_pool": lambda net, x: darknet_layers.max_pool(x),
    "pool": lambda net, x: net.conv(x, 8, 3, pool=True),
    "pool of mish": lambda net, x: net.conv(x, 8, 3, activation="mish", pool=True),
    "max_pool 3": lambda net, x: darknet_layers.max_pool(x, 3),
    "spatial_pyramid": lambda net, x: darknet_layers.spatial_pyramid(x),
    "channel_group": lambda net, x: darknet_layers.channel_group(x, 4, 2),
    "upsample": lambda net, x: darknet_layers.upsample(x),
    "shortcut": lambda net, x: _shortcut(net.conv(x, 8, 3), [x], "leaky"),
    "jumps": lambda net, x: darknet_layers.concat(
        [x, net.conv(x, 4, 1), darknet_layers.upsample(net.conv(x, 6, 3, stride=2))]
    ),
    "reorg": lambda net, x: darknet_layers.reorg(x, 2),
    "max_pool padding": lambda net, x: darknet_layers.max_pool(x, 3, padding=1),
    "dropout": lambda net, x: tf_keras.layers.Dropout(0.25)(x),
    "squeeze and excitation": lambda net, x: darknet_layers.multiply(
        net.conv(darknet_layers.average_pool(x), 8, 1, activation="logistic", batch_norm=False), x
    ),
    "spatial attention": lambda net, x: darknet_layers.multiply(
        net.conv(x, 8, 1, activation="logistic"), x
    ),
    "shortcuts": lambda net, x: _shortcut(
        x, [x, net.conv(x, 5, 1), net.conv(x, 8, 3), net.conv(x, 11, 1)], "relu"
    ),
}
# OpenCV refuses relu6 and reorg3d, and passes over dilation and strides that differ.
OWN_PIECES = {
    "relu6": lambda net, x: net.conv(x, 8, 3, activation="relu6"),
    "dilation": lambda net, x: net.conv(x, 8, 3, dilation=2),
    "reorg3d": lambda net, x: darknet_layers.reorg3d(x, 2),
    "attention to cells": lambda net, x: activate(
        darknet_layers.multiply(net.conv(x, 1, 1, activation="logistic", batch_norm=False), x),
        "leaky",
    ),
    "two strides": lambda net, x: net.conv(net.conv(x, 8, 3, stride=(2, 1)), 8, 3, stride=(1, 2)),
}


def _around(piece) -> tf_keras.Model:
    """A network with a piece in the middle."""
    net = blocks.Darknet(bn_momentum=0.9, bn_epsilon=OPENCV_EPSILON)
    images = tf_keras.Input((*SIZE, 3))
    y = piece(net, net.conv(images, 8, 3, stride=2))
    x = net.conv(y, 8, 3)
    fine = net.output(x, 21)
    x = darknet_layers.concat([darknet_layers.max_pool(x), darknet_layers.max_pool(y)])
    coarse = net.output(net.conv(x, 8, 1, part="neck"), 21)
    network = tf_keras.Model(images, {SIZE[0] // t.shape[1]: t for t in (fine, coarse)})
    _randomise(network)
    return network


@pytest.mark.parametrize("piece", PIECES)
def test_opencv_reads_other_layers(tmp_path, piece):
    network = _around(PIECES[piece])
    _assert_opencv_agrees(network, tmp_path, _write(network, tmp_path))


def _assert_comes_back(network, folder, text: str) -> None:
    """The network of what `_write` wrote has the same convolutions and, to the bit, outputs."""
    cfg = parse_cfg(text, "net.cfg")
    channels = {stride: tensor.shape[3] for stride, tensor in network.output.items()}
    again = build(cfg, network.input_shape[1:3], channels, bn_epsilon=OPENCV_EPSILON)
    read_weights(folder / "net.weights", again)

    pairs = zip(blocks.conv_layers(network), blocks.conv_layers(again), strict=True)
    for (conv, norm), (conv_again, norm_again) in pairs:
        assert type(conv_again) is type(conv)
        assert conv_again.name.rsplit("_", 1)[1] == conv.name.rsplit("_", 1)[1]
        assert (norm_again is None) == (norm is None)
    image = _image(network)
    expected, found = (model(image, training=False) for model in (network, again))
    assert set(found) == set(expected)
    for stride in expected:
        np.testing.assert_array_equal(found[stride], expected[stride])


@pytest.mark.parametrize("piece", PIECES | OWN_PIECES)
def test_cfg_of_each_layer_gives_the_network_back(tmp_path, piece):
    network = _around((PIECES | OWN_PIECES)[piece])
    _assert_comes_back(network, tmp_path, _write(network, tmp_path))


LARGE = ("yolov3", "yolov3_spp", "yolov4")  # of the pieces of yolov4_csp and the tiny ones


# YOLOX and SSD have outputs that a cfg cannot say.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if name in LARGE else [])
        for name in zoo.MODELS
        if name.startswith("yolov")
    ],
)
def test_the_zoo_goes_out_and_comes_back(tmp_path, name):
    channels = dict.fromkeys(zoo.STRIDES[name], 3 * 7)
    network = zoo.MODELS[name](SIZE, channels, bn_epsilon=OPENCV_EPSILON)
    _randomise(network)
    text = _write(network, tmp_path)
    _assert_comes_back(network, tmp_path, text)
    _assert_opencv_agrees(network, tmp_path, text)


@pytest.mark.parametrize("path", cfg_files())
def test_networks_of_cfgs_go_out_and_come_back(tmp_path, path):
    weights = path.with_suffix(".weights")
    if not weights.exists():
        pytest.skip(f"no {weights}")
    cfg = read_cfg(path)
    levels = outputs(plan(cfg, SIZE))
    channels = {level.stride: 3 * (5 + level.classes) for level in levels}
    network = build(cfg, SIZE, channels, bn_epsilon=OPENCV_EPSILON)
    read_weights(weights, network)
    text = _write(network, tmp_path, _fields(network, classes=levels[0].classes))
    _assert_comes_back(network, tmp_path, text)
    _assert_opencv_agrees(network, tmp_path, text)


def test_fields_reach_the_text():
    network = _around(PIECES["relu"])
    fields = {2: {"classes": 2, "new_coords": 1}, 4: {"classes": 3, "new_coords": 0}}
    text = network_cfg(network, fields, net_fields={"batch": 64, "letter_box": 1})
    cfg = parse_cfg(text, "net.cfg")
    assert (cfg.net.integer("batch", 0), cfg.net.integer("letter_box", 0)) == (64, 1)
    assert (cfg.net.integer("height", 0), cfg.net.integer("width", 0)) == SIZE
    places = [i for i, layer in enumerate(cfg.layers) if layer.kind == "yolo"]
    assert [cfg.layers[i].integer("classes", 0) for i in places] == [2, 3]
    assert [cfg.layers[i - 1].text("activation", "") for i in places] == ["logistic", "linear"]
    other = network_cfg(network, fields, input_size=(32, 64), output_kind="region")
    assert other.startswith("[net]\nbatch=1\nsubdivisions=1\nwidth=64\nheight=32\nchannels=3\n")
    assert _kinds(other).count("region") == 2


def test_logistic_outputs_are_the_networks_own(tmp_path):
    """OpenCV's `conv_N` is what comes before the activation, as our output."""
    network = _around(PIECES["relu"])
    text = _write(network, tmp_path, _fields(network, new_coords=1))
    assert text.count("activation=logistic") == 2
    _assert_opencv_agrees(network, tmp_path, text)


def _model(last):
    net = blocks.Darknet(0.9, 1e-5)
    images = tf_keras.Input((32, 32, 3))
    return tf_keras.Model(images, {1: last(net, images)}, name="odd")


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (lambda net, x: net.output(tf_keras.layers.Softmax(name="soft")(x), 3), "layer soft (Soft"),
        (
            lambda net, x: net.output(darknet_layers.concat([net.conv(x, 3, 1), x]), 3),
            "only the first layer reads the image",
        ),
        (lambda net, x: activate(darknet_layers.max_pool(net.output(x, 3)), "relu"), "output 1"),
        (
            lambda net, x: net.output(activate(darknet_layers.max_pool(x), "relu", "late"), 3),
            "layer late_relu (ReLU)",
        ),
        (
            lambda net, x: net.output(
                activate(net.conv(x, 4, 1, activation="linear", pool=True), "mish", "late"), 3
            ),
            "layer late_mish (Activation)",
        ),
        (
            lambda net, x: net.output(tf_keras.layers.LeakyReLU(0.3)(net.conv(x, 4, 1)), 3),
            "(LeakyReLU)",
        ),
        (
            lambda net, x: net.output(net.conv(x, 4, 1, activation="hard_swish"), 3),
            "_hard_swish (Activation)",
        ),
    ],
    ids=["softmax", "image twice", "output", "activation", "pool", "slope", "hard swish"],
)
def test_what_a_cfg_cannot_say(last, words):
    with pytest.raises(UserError, match="odd: ") as error:
        network_cfg(_model(last), {1: YOLO})
    assert words in str(error.value)


def test_input_size_and_strides_are_needed():
    net = blocks.Darknet(0.9, 1e-5)
    images = tf_keras.Input((None, None, 3))
    network = tf_keras.Model(images, {1: net.output(images, 21)}, name="any")
    with pytest.raises(UserError, match="any: takes any input size"):
        network_cfg(network, {1: YOLO})
    assert "width=64\nheight=96" in network_cfg(network, {1: YOLO}, input_size=SIZE)
    with pytest.raises(ValueError, match="output_fields"):
        network_cfg(network, {2: YOLO}, input_size=SIZE)
