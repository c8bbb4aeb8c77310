"""YOLOX's networks: towers on YOLOv3's backbone and neck, joined to one output a level."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.config import TransferConfig, YoloxHeadConfig
from yolo_tf.darknet.weights import write_weights
from yolo_tf.heads.yolox.head import YoloxHead
from yolo_tf.models import zoo
from yolo_tf.models.blocks import conv_layers, set_output_bias
from yolo_tf.train.transfer import transfer

# Convolutions; the network of the same backbone and neck; channels there before its outputs, by
# stride; width of the towers.
NETWORKS = {
    "yolox_darknet53": (97, "yolov3_spp", {8: 256, 16: 512, 32: 1024}, 256),
    "yolox_tiny": (27, "yolov3_tiny", {16: 256, 32: 512}, 96),
}


def make(name, classes=3, input_size=(None, None), **settings):
    channels = dict.fromkeys(zoo.STRIDES[name], 5 + classes)
    return zoo.MODELS[name](input_size, channels, **settings)


@pytest.fixture(scope="module", params=sorted(NETWORKS))
def network(request):
    """Name and network; not to be changed."""
    return request.param, make(request.param)


def photos(*shape):
    return np.random.default_rng(3).uniform(size=(*shape, 3)).astype(np.float32)


def test_towers_are_what_yolov3_has_not(network):
    name, ours = network
    count, theirs, inputs, width = NETWORKS[name]
    assert len(conv_layers(ours)) == count
    base = zoo.MODELS[theirs]((None, None), dict.fromkeys(inputs, 8)).count_params()
    expected = base
    for channels in inputs.values():
        expected -= (channels + 1) * 8  # the output there
        expected += (channels + 4) * width  # 1x1 and its batch norm
        expected += 4 * (9 * width + 4) * width
        expected += (width + 1) * 8
    assert ours.count_params() == expected


def test_towers_are_apart_and_swish(network):
    _, ours = network
    names = {layer.name for layer in ours.layers}
    for tensor in ours.output.values():
        assert isinstance(tensor.node.layer, tf_keras.layers.Concatenate)
        of_boxes, of_objectness, of_classes = (part.node for part in tensor.node.keras_inputs)
        assert [node.layer.filters for node in (of_boxes, of_objectness, of_classes)] == [4, 1, 3]
        assert of_boxes.layer.input is of_objectness.layer.input
        assert of_boxes.layer.input is not of_classes.layer.input
        for node in (of_boxes, of_classes):
            activation = node.keras_inputs[0].node.layer.name
            assert activation.startswith("neck_conv_")
            assert activation.endswith("_swish")
    assert sum(name.endswith("_swish") for name in names) == 5 * len(ours.output)


def test_shapes_of_any_size(network):
    _, ours = network
    for shape in ((1, 32, 96), (2, 64, 32)):
        for stride, output in ours(photos(*shape), training=False).items():
            assert output.shape == (shape[0], shape[1] // stride, shape[2] // stride, 8)


def test_untrained_outputs_are_their_bias():
    bias = {16: np.linspace(-2, 2, 8), 32: np.linspace(-5, 0, 8)}
    outputs = make("yolox_tiny", output_bias=bias)(photos(1, 64, 64), training=True)
    for stride, values in bias.items():
        wanted = np.broadcast_to(values, outputs[stride].shape)
        np.testing.assert_allclose(outputs[stride], wanted, atol=1.0)
        np.testing.assert_allclose(tf.reduce_mean(outputs[stride], [0, 1, 2]), values, atol=0.5)


def test_output_bias_is_split_over_the_joined_convolutions():
    ours = make("yolox_tiny")
    set_output_bias(ours, 16, np.arange(8))
    parts = [tensor.node.layer.bias.numpy() for tensor in ours.output[16].node.keras_inputs]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(8))
    set_output_bias(ours, 16, 0.5)
    assert (ours.output[16].node.keras_inputs[2].node.layer.bias.numpy() == 0.5).all()
    with pytest.raises(ValueError, match="7"):
        set_output_bias(ours, 16, np.arange(7))


def test_every_kernel_gets_a_gradient():
    ours = make("yolox_tiny")
    with tf.GradientTape() as tape:
        outputs = ours(photos(1, 64, 64), training=True)
        loss = tf.add_n([tf.reduce_mean(output**2) for output in outputs.values()])
    gradients = tape.gradient(loss, ours.trainable_variables)
    for variable, gradient in zip(ours.trainable_variables, gradients, strict=True):
        assert np.isfinite(gradient).all(), variable.name
        if "kernel" in variable.name:
            assert np.abs(gradient).max() > 0, variable.name


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_outputs_are_float32_under_mixed_precision(policy):
    tf_keras.mixed_precision.set_global_policy(policy)
    try:
        ours = make("yolox_tiny", output_bias={16: -4.59512, 32: -4.59512})
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    for tensor in ours.output.values():
        layer = tensor.node.layer
        assert (layer.compute_dtype, tensor.dtype) == ("float32", tf.float32)


def test_another_class_count_costs_the_convolutions_of_classes_alone():
    source, target = make("yolox_tiny", 5), make("yolox_tiny", 3)
    values = {conv.name: conv.kernel.numpy() for conv, _ in conv_layers(source)}
    fitting = [
        conv.name for conv, _ in conv_layers(target) if values[conv.name].shape == conv.kernel.shape
    ]
    assert len(fitting) == len(values) - 2


def test_darknets_backbone_fits(tmp_path):
    """The first convolutions of a Darknet file of yolov3-tiny."""
    tiny = zoo.MODELS["yolov3_tiny"]((None, None), {16: 24, 32: 24})
    write_weights(tmp_path / "whole.weights", tiny)
    floats = sum(w.size for pair in conv_layers(tiny)[:7] for x in pair for w in x.get_weights())
    start = (tmp_path / "whole.weights").read_bytes()[: 20 + 4 * floats]
    (tmp_path / "yolov3-tiny.conv.7").write_bytes(start)
    ours = make("yolox_tiny")
    head = YoloxHead(YoloxHeadConfig(strides=(16, 32)), 3, (64, 64))
    detector = SimpleNamespace(network=ours, head=head, class_names=["a", "b", "c"])
    transfer(TransferConfig(str(tmp_path / "yolov3-tiny.conv.7"), "backbone"), detector)
    for (conv, _), (theirs, _) in zip(conv_layers(ours)[:7], conv_layers(tiny)[:7], strict=True):
        np.testing.assert_array_equal(conv.kernel, theirs.kernel)
