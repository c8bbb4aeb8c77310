"""VGG-16, its normalisation, and the SSD networks: sizes, names, levels and gradients."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.errors import UserError
from yolo_tf.models import zoo
from yolo_tf.models.blocks import OUTPUT_STDDEV, conv_layers
from yolo_tf.models.ssd import L2Normalise

# name -> convolutions, of the backbone, of the outputs
PARTS = {"ssd300": (29, 15, 6), "ssd_darknet53": (61, 52, 5), "ssd_tiny": (12, 7, 3)}


def build(name, input_size=None, channels=16, **settings):
    size = input_size or zoo.FIXED_INPUTS.get(name, (None, None))
    return zoo.MODELS[name](size, dict.fromkeys(zoo.STRIDES[name], channels), **settings)


@pytest.fixture(scope="module", params=sorted(PARTS))
def network(request):
    return build(request.param)


def photos(*shape):
    return np.random.default_rng(3).uniform(size=(*shape, 3)).astype(np.float32)


def test_parts_are_named_for_transfer(network):
    count, backbone, outputs = PARTS[network.name]
    names = [conv.name for conv, _ in conv_layers(network)]
    parts = ["backbone"] * backbone + ["neck"] * (count - backbone - outputs)
    parts += ["output"] * outputs
    assert names == [f"{part}_conv_{number:03d}" for number, part in enumerate(parts)]
    ends = [network.output[s].node.layer.name for s in zoo.STRIDES[network.name]]
    assert ends == names[-outputs:]


def test_outputs_are_3x3_with_bias(network):
    outputs = PARTS[network.name][2]
    for conv, norm in conv_layers(network)[-outputs:]:
        assert conv.kernel_size == (3, 3)
        assert conv.use_bias
        assert norm is None
        assert np.std(conv.kernel) == pytest.approx(OUTPUT_STDDEV / 3, rel=0.1)


def test_ssd300_has_the_levels_and_layers_of_the_paper():
    network = build("ssd300")
    shapes = {stride: tuple(output.shape[1:]) for stride, output in network.output.items()}
    sides = {8: 38, 16: 19, 32: 10, 64: 5, 100: 3, 300: 1}
    assert shapes == {stride: (side, side, 16) for stride, side in sides.items()}
    convolutions = [conv for conv, _ in conv_layers(network)]
    filters = [conv.filters for conv in convolutions[:23]]
    vgg = [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6 + [1024] * 2
    assert filters == vgg + [256, 512] + [128, 256] * 3
    assert convolutions[13].dilation_rate == (6, 6)
    assert [norm is not None for _, norm in conv_layers(network)[:23]] == [True] * 15 + [False] * 8
    # VGG-16's first 13 convolutions have 14,714,688 weights and biases; here beta for bias.
    assert sum(c.count_params() + n.beta.shape[0] for c, n in conv_layers(network)[:13]) == (
        14_714_688
    )


@pytest.mark.parametrize("size", [(300, 416), (416, 416), (None, None)])
def test_ssd300_takes_one_size(size):
    with pytest.raises(UserError, match=r"ssd300 takes \(300, 300\) alone"):
        build("ssd300", size)


@pytest.mark.parametrize("name", ["ssd_darknet53", "ssd_tiny"])
def test_other_sizes_in_multiples_of_32_round_up(name):
    outputs = build(name)(photos(1, 96, 160), training=True)
    for stride, output in outputs.items():
        assert output.shape == (1, -(-96 // stride), -(-160 // stride), 16)
        assert output.dtype == tf.float32
    with pytest.raises(UserError, match="in multiples of 32 pixels"):
        build(name, (96, 150))


def test_untrained_outputs_are_near_their_bias():
    bias = {stride: np.linspace(-2, 2, 16) for stride in zoo.STRIDES["ssd300"]}
    outputs = build("ssd300", output_bias=bias)(photos(2, 300, 300), training=True)
    for stride, values in bias.items():
        assert np.std(outputs[stride] - values) < 0.5, stride


def test_every_kernel_and_the_scale_get_a_gradient():
    network = build("ssd_tiny")
    normalise = L2Normalise()
    with tf.GradientTape() as tape:
        outputs = network(photos(2, 64, 64), training=True)
        last = normalise(outputs[16])
        loss = tf.add_n([tf.reduce_mean(o**2) for o in outputs.values()]) + tf.reduce_sum(last)
    variables = [*network.trainable_variables, *normalise.trainable_variables]
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        assert np.isfinite(gradient).all(), variable.name
        if "kernel" in variable.name or "gamma" in variable.name:
            assert np.abs(gradient).max() > 0, variable.name


def test_l2_normalisation_gives_every_place_the_length_of_the_scale():
    values = tf.constant(np.random.default_rng(0).normal(size=(2, 3, 4, 8)), tf.float32)
    layer = L2Normalise(initial_scale=20.0)
    np.testing.assert_allclose(tf.norm(layer(values), axis=-1), np.full([2, 3, 4], 20), rtol=1e-5)
    layer.scale.assign(np.arange(8.0))
    expected = values / tf.norm(values, axis=-1, keepdims=True) * tf.range(8.0)
    np.testing.assert_allclose(layer(values), expected, rtol=1e-5, atol=1e-6)


def test_l2_normalisation_of_nothing_is_nothing():
    layer = L2Normalise()
    values = tf.zeros([1, 2, 2, 8])
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = layer(values)
    np.testing.assert_array_equal(result, np.zeros([1, 2, 2, 8]))
    assert np.isfinite(tape.gradient(result, values)).all()


def test_l2_normalisation_of_large_half_precision_values():
    tf_keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        layer = L2Normalise()
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    result = layer(tf.fill([1, 1, 1, 4], tf.constant(1000.0, tf.float16)))
    assert result.dtype == tf.float16
    np.testing.assert_allclose(result, np.full([1, 1, 1, 4], 10.0), rtol=1e-3)
    assert layer.scale.dtype == tf.float32
