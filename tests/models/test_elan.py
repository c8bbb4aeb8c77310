"""yolo_n, yolo_s and yolo_m: their size to the last parameter, order, shapes, folding, settings."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.config import Config, ModelConfig, YoloHeadConfig, YoloxHeadConfig
from yolo_tf.detector.build import build_detector
from yolo_tf.errors import UserError
from yolo_tf.export.fold import folded
from yolo_tf.models import zoo
from yolo_tf.models.blocks import PARTS, conv_layers, set_output_bias
from yolo_tf.train.dry_run import forward_flops

STRIDES = (8, 16, 32)
BOXES = 64  # channels: 4 sides of 16 bins
# Trained parameters at 80, 20 and 1 classes; MFLOPs at 320 x 320 and 80 classes; convolutions of
# backbone, neck and output.
SIZES = {
    "yolo_n": ((2_890_752, 2_879_052, 2_875_347), 1923, (31, 28, 24)),
    "yolo_s": ((10_608_464, 10_585_244, 10_577_891), 6664, (31, 28, 24)),
    "yolo_m": ((24_005_472, 23_970_732, 23_959_731), 17509, (39, 36, 24)),
}


def make(name="yolo_n", classes=3, input_size=(None, None), boxes=BOXES, **settings):
    parts = dict.fromkeys(STRIDES, (boxes, classes))
    return zoo.MODELS[name](input_size, parts, **settings)


@pytest.fixture(scope="module")
def yolo_n():
    """Of three classes and any input; tests set its output biases alone."""
    return make()


def trained(network) -> int:
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


@pytest.mark.parametrize("name", SIZES)
def test_parameters_and_flops(name):
    parameters, mflops, convolutions = SIZES[name]
    for classes, expected in zip((80, 20, 1), parameters, strict=True):
        network = make(name, classes, (320, 320))
        assert trained(network) == expected
        if classes == 80:
            assert round(sum(forward_flops(network).values()) / 1e6) == mflops
    names = [conv.name for conv, _ in conv_layers(network)]
    expected = [part for part, n in zip(PARTS, convolutions, strict=True) for _ in range(n)]
    assert names == [f"{part}_conv_{i:03d}" for i, part in enumerate(expected)]


def test_full_class_branch():
    network = make("yolo_n", 80, (640, 640), class_branch="full")
    assert trained(network) == 3_211_392
    assert round(sum(forward_flops(network).values()) / 1e6) == 8953


def test_blocks():
    """14 pairs: of h channels each, a second 3x3 has 9 h^2 weights and a normalisation 2 h."""
    halves = [16] + [32] * 2 + [64] * 2 + [128] + [64] * 2 + [32] * 2 + [64] * 2 + [128]
    joined = [48, 128, 256, 384, 256, 128, 256, 384]  # channels before the end of each block
    plain = trained(make(classes=80))
    assert trained(make(classes=80, block="parallel")) - plain == sum(
        half * half + 2 * half for half in halves
    )
    assert trained(make(classes=80, block="depthwise")) - plain == sum(
        25 * half + 2 * half + half * half - 9 * half * half for half in halves
    )
    assert trained(make(classes=80, block_attention=True)) - plain == sum(
        channels * channels + channels for channels in joined
    )


def test_order_of_construction(yolo_n):
    """A bypass before its chain, boxes before classes, levels from fine to coarse."""
    pairs = conv_layers(yolo_n)
    shapes = [tuple(conv.get_weights()[0].shape) for conv, _ in pairs]
    assert shapes[:7] == [
        (3, 3, 3, 16),
        (3, 3, 16, 32),
        (1, 1, 32, 16),
        (1, 1, 32, 16),
        (3, 3, 16, 16),
        (3, 3, 16, 16),
        (1, 1, 48, 32),
    ]
    assert shapes[29:31] == [(1, 1, 256, 128), (1, 1, 512, 256)]  # pools side by side
    assert shapes[31] == (1, 1, 384, 64)  # neck: the map from above beside stride 16
    assert shapes[-24:-16] == [
        (3, 3, 64, 64),
        (3, 3, 64, 64),
        (1, 1, 64, BOXES),
        (3, 3, 64, 1),
        (1, 1, 64, 64),
        (3, 3, 64, 1),
        (1, 1, 64, 64),
        (1, 1, 64, 3),
    ]


def test_pads_all_sides_alike():
    """With stride 2 too: a first convolution sees row -1 at its first place, not row 2."""
    network = make(input_size=(32, 32))
    conv = conv_layers(network)[0][0]
    first = tf_keras.Model(network.input, conv.output)
    kernel = np.zeros((3, 3, 3, 16), np.float32)
    kernel[1, 1] = 1.0  # what lies in the middle: pixels 0, 2, 4, ...
    conv.kernel.assign(kernel)
    images = np.random.default_rng(0).uniform(size=(1, 32, 32, 3)).astype(np.float32)
    wanted = images[:, ::2, ::2].sum(-1)
    np.testing.assert_allclose(first(images)[..., 0], wanted, rtol=1e-6)


def test_any_rectangle_and_outputs_of_bias_alone(yolo_n):
    bias = {stride: np.linspace(-5, 0, BOXES + 3) for stride in STRIDES}
    for stride, values in bias.items():
        set_output_bias(yolo_n, stride, values)
    for shape in ((1, 32, 96), (2, 64, 32)):
        images = np.random.default_rng(1).uniform(size=(*shape, 3)).astype(np.float32)
        for stride, raw in yolo_n(images, training=True).items():
            assert raw.shape == (shape[0], shape[1] // stride, shape[2] // stride, BOXES + 3)
            np.testing.assert_allclose(raw, np.broadcast_to(bias[stride], raw.shape), atol=1.0)


def test_classes_and_boxes_are_apart(yolo_n):
    set_output_bias(yolo_n, 16, np.arange(BOXES + 3))
    for raw in yolo_n.output.values():
        boxes, classes = (part.node for part in raw.node.keras_inputs)
        assert (boxes.layer.filters, classes.layer.filters) == (BOXES, 3)
        assert boxes.layer.input is not classes.layer.input
    parts = yolo_n.output[16].node.keras_inputs
    bias = np.concatenate([part.node.layer.bias for part in parts])
    np.testing.assert_array_equal(bias, np.arange(BOXES + 3))


def test_every_kernel_gets_a_gradient(yolo_n):
    images = np.random.default_rng(2).uniform(size=(2, 64, 96, 3)).astype(np.float32)
    with tf.GradientTape() as tape:
        outputs = yolo_n(images, training=True)
        loss = tf.add_n([tf.reduce_mean(raw**2) for raw in outputs.values()])
    gradients = tape.gradient(loss, yolo_n.trainable_variables)
    for variable, gradient in zip(yolo_n.trainable_variables, gradients, strict=True):
        assert np.isfinite(gradient).all(), variable.name
        if "kernel" in variable.name:
            assert np.abs(gradient).max() > 0, variable.name


@pytest.mark.parametrize(
    "settings",
    [
        {"block": "depthwise", "block_attention": True},
        {"class_branch": "full", "activation": "hard_swish", "block": "parallel"},
    ],
)
def test_folds(settings):
    """Batch norm in kernels and biases gives the same, whatever the settings."""
    model = ModelConfig("yolo_n", **settings)
    config = Config((64, 96), model, YoloxHeadConfig())
    detector = build_detector(config, ["a", "b"])
    rng = np.random.default_rng(4)
    norms = (layer for layer in detector.network.layers if layer.name.endswith("_bn"))
    for norm in norms:
        for weight, (low, high) in zip(
            norm.weights, ((0.6, 1.4), (-0.3, 0.3), (-0.3, 0.3), (0.5, 2.0)), strict=True
        ):
            weight.assign(rng.uniform(low, high, weight.shape))
    images = rng.uniform(size=(2, 64, 96, 3)).astype(np.float32)
    wanted = detector.network(images, training=False)
    found = folded(detector, config)(images)
    for stride in STRIDES:
        np.testing.assert_allclose(found[stride], wanted[stride], atol=1e-4)


def test_bfloat16_ends_in_float32():
    config = Config((64, 64), ModelConfig("yolo_n"), YoloxHeadConfig())
    network = build_detector(config, ["a"], "mixed_bfloat16").network
    for raw in network.output.values():
        assert (raw.node.layer.compute_dtype, raw.dtype) == ("float32", tf.float32)


def test_settings_are_checked():
    for field, known in (
        ("class_branch", "depthwise, full"),
        ("activation", "swish, relu6"),
        ("block", "plain, parallel, depthwise"),
    ):
        config = Config((64, 64), ModelConfig("yolo_n", **{field: "x"}), YoloxHeadConfig())
        with pytest.raises(UserError, match=rf"config.model.{field}: found 'x'.*{known}"):
            build_detector(config, ["a"])


def test_a_head_with_anchors_is_refused():
    anchors = dict.fromkeys(STRIDES, ((10, 14), (23, 27)))
    config = Config((64, 64), ModelConfig("yolo_n"), YoloHeadConfig(anchors))
    with pytest.raises(UserError, match="yolo_n has outputs of boxes and of classes apart"):
        build_detector(config, ["a"])


def test_another_class_count_costs_the_last_convolutions_of_classes_alone(tmp_path):
    source, target = make(classes=5), make(classes=3)
    values = {conv.name: conv.get_weights()[0] for conv, _ in conv_layers(source)}
    other = [c.name for c, _ in conv_layers(target) if values[c.name].shape != c.weights[0].shape]
    assert len(other) == len(STRIDES)
    assert all(name.startswith("output_") for name in other)
