"""Networks built from cfgs: the zoo's own, and small ones of every layer."""

import sys

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from hypothesis import given, settings

from tests.darknet.cfgs import HEAD, MOBILE, NET, SMALL, V2, V7, conv, mutated, tried
from tests.darknet.data import DARKNET, cfg_files, needs_darknet_data
from yolo_tf.darknet.cfg import parse_cfg, read_cfg
from yolo_tf.darknet.network import build
from yolo_tf.darknet.plan import outputs, parts, plan
from yolo_tf.errors import UserError
from yolo_tf.models import zoo
from yolo_tf.models.blocks import conv_layers

ZOO_CFGS = {
    "yolov3": "yolov3.cfg",
    "yolov3_spp": "yolov3-spp.cfg",
    "yolov3_tiny": "yolov3-tiny.cfg",
    "yolov4": "yolov4.cfg",
    "yolov4_csp": "yolov4-csp.cfg",
    "yolov4_tiny": "yolov4-tiny.cfg",
}


def _build(cfg, size, **settings):
    """The network with the cfg's own class count."""
    layers = plan(cfg, size)
    channels = {level.stride: layers[level.layer].shape[2] for level in outputs(layers)}
    return build(cfg, size, channels, **settings)


def _photos(*shape):
    return np.random.default_rng(5).uniform(size=(*shape, 3)).astype(np.float32)


def _randomise(network):
    """Weights under which every layer shows in the outputs."""
    rng = np.random.default_rng(11)
    for variable in network.variables:
        positive = any(word in variable.name for word in ("gamma", "variance"))
        low, high = (0.5, 1.5) if positive else (-0.1, 0.1)
        if "kernel" in variable.name:
            high = np.sqrt(6 / np.prod(variable.shape[:-1]))
            low = -high
        variable.assign(rng.uniform(low, high, variable.shape).astype(np.float32))


@needs_darknet_data
@pytest.mark.parametrize("name", sorted(ZOO_CFGS.keys() & zoo.MODELS.keys()))
def test_the_zoos_network_is_that_of_its_cfg(name):
    size = (64, 96)
    channels = dict.fromkeys(zoo.STRIDES[name], 3 * (5 + 2))
    ours = zoo.MODELS[name](size, channels)
    theirs = build(read_cfg(DARKNET / "cfg" / ZOO_CFGS[name]), size, channels)
    pairs = list(zip(conv_layers(ours), conv_layers(theirs), strict=True))
    for layers in pairs:
        for a, b in zip(*layers, strict=True):
            assert (a and a.name) == (b and b.name)
            if a:
                assert [tuple(v.shape) for v in a.weights] == [tuple(v.shape) for v in b.weights]
    _randomise(ours)
    for layers in pairs:
        for a, b in zip(*layers, strict=True):
            if a:
                b.set_weights(a.get_weights())
    photos = _photos(1, *size)
    expected = ours(photos, training=False)
    found = theirs(photos, training=False)
    assert set(found) == set(expected)
    for stride in channels:
        assert np.abs(expected[stride]).max() > 0.1
        np.testing.assert_array_equal(found[stride], expected[stride])


@pytest.mark.parametrize("path", cfg_files(exclude=("darknet53.cfg", *ZOO_CFGS.values())))
def test_darknets_other_files_build(path):
    network = _build(read_cfg(path), (64, 96))
    layers = plan(read_cfg(path))
    assert network.count_params() == sum(layer.floats for layer in layers)


@pytest.mark.parametrize("name", SMALL)
def test_small_cfgs_give_their_levels(name):
    cfg = parse_cfg(SMALL[name], "small.cfg")
    network = _build(cfg, (64, 96))
    raw = network(_photos(2, 64, 96), training=True)
    for level in outputs(plan(cfg)):
        channels = len(level.anchors) * (level.box_channels + level.classes)
        assert raw[level.stride].shape == (2, *level.grid, channels)
        assert raw[level.stride].dtype == tf.float32
    assert len(conv_layers(network)) == len(parts(plan(cfg)))


def _write_weights(network, path):
    """The file of Darknet's weights: header, then of each convolution vectors and kernel."""
    arrays = [np.array([0, 2, 5, 0, 0], "<i4")]
    for layer, norm in conv_layers(network):
        gamma, beta, mean, var = norm.get_weights() if norm else [None] * 4
        arrays += [beta, gamma, mean, var] if norm else [layer.get_weights()[1]]
        kernel = layer.get_weights()[0]
        rows, cols = kernel.shape[:2]
        if isinstance(layer, tf_keras.layers.DepthwiseConv2D):
            kernel = kernel.reshape(rows, cols, 1, -1)
        arrays.append(kernel.transpose(3, 2, 0, 1))
    path.write_bytes(b"".join(array.tobytes() for array in arrays))


@pytest.mark.parametrize("name", ["v2", "v7", "mobile", "attention"])
def test_small_cfgs_are_wired_as_opencv_wires_them(name, tmp_path):
    cv2 = pytest.importorskip("cv2")
    cfg = parse_cfg(SMALL[name], "small.cfg")
    layers = plan(cfg)
    network = _build(cfg, (64, 96), bn_epsilon=1e-6)
    _randomise(network)
    _write_weights(network, tmp_path / "small.weights")
    (tmp_path / "small.cfg").write_text(SMALL[name])
    theirs = cv2.dnn.readNetFromDarknet(
        str(tmp_path / "small.cfg"), str(tmp_path / "small.weights")
    )
    photos = _photos(1, 64, 96)
    theirs.setInput(photos.transpose(0, 3, 1, 2))
    raw = network(photos, training=False)
    for level in outputs(layers):
        (expected,) = theirs.forward(f"conv_{level.layer - 1}").transpose(0, 2, 3, 1)
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(raw[level.stride][0], expected, atol=1e-4)


def test_every_kernel_of_every_layer_gets_a_gradient():
    for text in SMALL.values():
        network = _build(parse_cfg(text), (64, 96))
        _randomise(network)
        with tf.GradientTape() as tape:
            raw = network(_photos(1, 64, 96), training=True)
            loss = tf.add_n([tf.reduce_sum(output**2) for output in raw.values()])
        gradients = tape.gradient(loss, network.trainable_variables)
        for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
            if "kernel" in variable.name:
                assert np.abs(gradient).max() > 0, variable.name


def test_outputs_take_the_callers_channels_and_bias():
    cfg = parse_cfg(V7)
    bias = {2: np.arange(12.0), 4: 3.0}
    network = build(cfg, (64, 96), {2: 12, 4: 30}, output_bias=bias)
    assert {stride: raw.shape for stride, raw in network.output.items()} == {
        2: (None, 32, 48, 12),
        4: (None, 16, 24, 30),
    }
    outs = [conv for conv, _ in conv_layers(network) if conv.name.startswith("output_")]
    np.testing.assert_array_equal(outs[0].bias, np.arange(12))
    np.testing.assert_array_equal(outs[1].bias, [3] * 30)


def test_parts_are_named_for_freezing():
    network = build(parse_cfg(MOBILE), (32, 32), {8: 7}, backbone_layers=2)
    names = [conv.name for conv, _ in conv_layers(network)]
    assert names[:3] == ["backbone_conv_000", "backbone_conv_001", "neck_conv_002"]
    assert names[-1] == "output_conv_007"


def test_batch_norm_settings():
    network = build(parse_cfg(V2), (64, 64), {4: 14}, bn_momentum=0.9, bn_epsilon=1e-3)
    norms = [norm for _, norm in conv_layers(network) if norm]
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, 1e-3)}


def test_a_pool_stands_before_an_activation_that_nothing_else_reads():
    network = build(parse_cfg(V2), (64, 64), {4: 14})
    pools = [layer for layer in network.layers if isinstance(layer, tf_keras.layers.MaxPooling2D)]
    sources = [type(pool.input.node.layer).__name__ for pool in pools]
    assert sources == ["BatchNormalization", "LeakyReLU"]  # a route reads the second's too


def test_dropout_is_the_identity_but_in_training():
    cfg = parse_cfg(NET + conv(64) + "[dropout]\nprobability=.5\n" + HEAD)
    network = build(cfg, (32, 32), {1: 7})
    _randomise(network)
    photos = _photos(1, 32, 32)
    still = network(photos, training=False)[1]
    np.testing.assert_array_equal(network(photos, training=False)[1], still)
    first, second = (network(photos, training=True)[1].numpy() for _ in range(2))
    assert np.abs(first - second).max() > 0


def test_other_strides_are_refused():
    with pytest.raises(ValueError, match=r"strides \[2, 4\], output_channels \[8\]"):
        build(parse_cfg(V7), (64, 96), {8: 14})


def test_what_the_plan_refuses_is_refused():
    with pytest.raises(UserError, match="is the input of 66 x 96 a multiple of"):
        build(parse_cfg(V7), (66, 96), {2: 14, 4: 14})


def test_hundreds_of_layers_are_not_too_deep():
    """tf_keras walks through a model by recursion; Python allows 1000 steps."""
    text = NET + conv(2) + "[dropout]\n" * 990 + HEAD
    limit = sys.getrecursionlimit()
    network = build(parse_cfg(text), (32, 32), {1: 7})
    assert len(network.layers) > limit - 10
    assert sys.getrecursionlimit() == limit


@settings(deadline=None, max_examples=15)
@given(mutated(list(SMALL.values())))
def test_any_small_cfg_is_built_or_refused(text):
    cfg, _ = tried(parse_cfg, text)
    layers, _ = tried(plan, cfg, (64, 96)) if cfg else (None, "")
    if layers and sum(layer.floats for layer in layers) < 1e6:
        network = _build(cfg, (64, 96))
        for level in outputs(layers):
            assert network.output[level.stride].shape[1:3] == level.grid
        assert network.count_params() == sum(layer.floats for layer in layers)
