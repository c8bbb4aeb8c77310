"""The networks of the zoo: size, order, shapes, and that every way of training takes them."""

import functools
import re

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.errors import UserError
from yolo_tf.models import zoo
from yolo_tf.models.blocks import conv_layers

# With 80 classes, counted from the cfgs: floats of the .weights file, convolutions of the backbone
# and their floats, numbers of the output convolutions. darknet53.conv.74 has 40,620,640.
DARKNET = {
    "yolov3": (62_001_757, 52, 40_620_640, {32: 58, 16: 66, 8: 74}),
    "yolov3_spp": (63_052_381, 52, 40_620_640, {32: 59, 16: 67, 8: 75}),
    "yolov3_tiny": (8_858_734, 7, 6_298_480, {32: 9, 16: 12}),
    "yolov4": (64_429_405, 72, 26_652_512, {8: 93, 16: 101, 32: 109}),
    "yolov4_csp": (52_986_205, 68, 26_631_008, {8: 94, 16: 104, 32: 114}),
    "yolov4_tiny": (6_062_814, 15, 3_633_632, {32: 17, 16: 20}),
}
NAMES = sorted(DARKNET)
TINY_NAMES = ["yolov3_tiny", "yolov4_tiny"]


@pytest.fixture(scope="module", params=NAMES)
def coco(request):
    """Name and network, 255 channels as Darknet's, any input size; not to be changed."""
    strides = zoo.STRIDES[request.param]
    return request.param, zoo.MODELS[request.param]((None, None), dict.fromkeys(strides, 255))


def _tiny(classes=1, input_size=(None, None), name="yolov3_tiny", **settings):
    return zoo.MODELS[name](input_size, dict.fromkeys((16, 32), 3 * (5 + classes)), **settings)


def _photos(*shape):
    return np.random.default_rng(3).uniform(size=(*shape, 3)).astype(np.float32)


def test_every_model_has_strides():
    assert sorted(zoo.MODELS) == sorted(zoo.STRIDES)
    assert set(NAMES) < set(zoo.MODELS)


def test_as_many_numbers_as_darknets_weights_file(coco):
    name, network = coco
    floats, backbone_size, backbone_floats, _ = DARKNET[name]
    counts = [sum(layer.count_params() for layer in pair if layer) for pair in conv_layers(network)]
    assert sum(counts) == network.count_params() == floats
    assert sum(counts[:backbone_size]) == backbone_floats


def test_convolutions_are_named_in_the_order_of_the_cfg(coco):
    name, network = coco
    _, backbone_size, _, outputs = DARKNET[name]
    strides = {number: stride for stride, number in outputs.items()}
    pairs = conv_layers(network)
    for number, (conv, norm) in enumerate(pairs):
        assert re.fullmatch(rf"(backbone|neck|output)_conv_{number:03d}", conv.name)
        assert conv.name.startswith("backbone_") == (number < backbone_size)
        assert conv.name.startswith("output_") == (number in strides)
        if number in strides:
            assert norm is None
            assert conv is network.output[strides[number]].node.layer
        else:
            assert norm.name == f"{conv.name}_bn"
            assert not conv.use_bias
            assert norm.input is conv.output


def test_activations(coco):
    name, network = coco
    mish = {"yolov4": {"backbone"}, "yolov4_csp": {"backbone", "neck"}}.get(name, set())
    names = {layer.name for layer in network.layers}
    for conv, norm in conv_layers(network):
        if norm:
            kind = "mish" if conv.name.split("_")[0] in mish else "leaky"
            assert f"{conv.name}_{kind}" in names


def test_batch_norm_settings(coco):
    settings = {(n.momentum, n.epsilon) for _, n in conv_layers(coco[1]) if n}
    assert settings == {(0.97, 1e-5)}


def test_batch_norm_settings_can_be_chosen():
    network = _tiny(bn_momentum=0.9, bn_epsilon=1e-3)
    assert {(n.momentum, n.epsilon) for _, n in conv_layers(network) if n} == {(0.9, 1e-3)}


def test_any_size_and_batch(coco):
    name, network = coco
    for shape in ((1, 32, 96), (2, 64, 32)):
        outputs = network(_photos(*shape), training=False)
        assert set(outputs) == set(zoo.STRIDES[name])
        for stride, output in outputs.items():
            assert output.shape == (shape[0], shape[1] // stride, shape[2] // stride, 255)
            assert output.dtype == tf.float32


@pytest.mark.parametrize("classes", [1, 3, 80])
def test_class_count_and_fixed_non_square_input(classes):
    network = _tiny(classes, input_size=(64, 96))
    channels = 3 * (5 + classes)
    assert {stride: tuple(output.shape) for stride, output in network.output.items()} == {
        16: (None, 4, 6, channels),
        32: (None, 2, 3, channels),
    }


def test_levels_may_differ_in_channels():
    network = zoo.MODELS["yolov3_tiny"]((32, 32), {16: 7, 32: 12})
    assert {stride: output.shape[-1] for stride, output in network.output.items()} == {
        16: 7,
        32: 12,
    }


def test_untrained_outputs_are_their_bias():
    bias = {16: np.linspace(-2, 2, 18), 32: np.linspace(-5, 0, 18)}
    outputs = _tiny(1, output_bias=bias)(_photos(1, 64, 64), training=True)
    for stride, values in bias.items():
        np.testing.assert_allclose(
            outputs[stride], np.broadcast_to(values, outputs[stride].shape), atol=1.5
        )
        np.testing.assert_allclose(tf.reduce_mean(outputs[stride], [0, 1, 2]), values, atol=1)


def _train_step(network, images):
    with tf.GradientTape() as tape:
        outputs = network(images, training=True)
        loss = tf.add_n([tf.reduce_mean(output**2) for output in outputs.values()])
    return loss, tape.gradient(loss, network.trainable_variables)


@pytest.mark.parametrize("name", TINY_NAMES)
def test_training_step_compiles_with_xla_and_agrees(name):
    network, images = _tiny(name=name), tf.constant(_photos(2, 64, 96))
    before = [variable.numpy() for variable in network.variables]
    loss, gradients = _train_step(network, images)
    for variable, value in zip(network.variables, before, strict=True):
        variable.assign(value)
    compiled = tf.function(functools.partial(_train_step, network), jit_compile=True)
    xla_loss, xla_gradients = compiled(images)
    np.testing.assert_allclose(xla_loss, loss, rtol=1e-4)
    # One norm over all: a single leaky unit that falls on the other side of 0 by rounding shows.
    difference = tf.linalg.global_norm(
        [a - b for a, b in zip(gradients, xla_gradients, strict=True)]
    )
    assert difference < 0.03 * tf.linalg.global_norm(gradients)


@pytest.mark.parametrize("name", TINY_NAMES)
def test_every_kernel_gets_a_gradient(name):
    network = _tiny(name=name)
    _, gradients = _train_step(network, _photos(1, 64, 64))
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        assert np.isfinite(gradient).all(), variable.name
        if "kernel" in variable.name:
            assert np.abs(gradient).max() > 0, variable.name


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_outputs_are_float32_under_mixed_precision(policy):
    tf_keras.mixed_precision.set_global_policy(policy)
    try:
        network = _tiny()
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    assert conv_layers(network)[0][0].compute_dtype == policy.removeprefix("mixed_")
    assert {output.dtype for output in network(_photos(1, 32, 32)).values()} == {tf.float32}


@pytest.mark.parametrize("suffix", ["", ".h5"])
def test_weights_come_back(tmp_path, suffix):
    first, second, images = _tiny(), _tiny(), _photos(1, 32, 32)
    first.save_weights(tmp_path / f"weights{suffix}")
    second.load_weights(tmp_path / f"weights{suffix}")
    for stride, output in first(images).items():
        np.testing.assert_array_equal(second(images)[stride], output)


def test_fit_and_predict_with_outputs_named_by_stride():
    class Trainer(tf_keras.Model):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def call(self, inputs, training=None):
            return self.network(inputs, training=training)

        def train_step(self, data):
            loss, gradients = _train_step(self.network, data)
            self.optimizer.apply_gradients(
                zip(gradients, self.network.trainable_variables, strict=True)
            )
            return {"loss": loss}

    trainer = Trainer(_tiny(output_bias={16: 1.0, 32: 1.0}))
    trainer.compile(tf_keras.optimizers.SGD(0.05))
    history = trainer.fit(_photos(4, 32, 32), batch_size=2, epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert set(trainer.predict(_photos(2, 32, 32), verbose=0)) == {16, 32}


def test_sizes_that_the_strides_do_not_divide_are_refused():
    with pytest.raises(UserError, match=r"\(416, 400\) found.*multiples of 32"):
        _tiny(input_size=(416, 400))
    with pytest.raises(UserError, match="multiples of 32"):
        _tiny(input_size=(0, 32))


def test_other_strides_are_refused():
    with pytest.raises(ValueError, match="strides"):
        zoo.MODELS["yolov3_tiny"]((32, 32), {8: 18, 16: 18})
