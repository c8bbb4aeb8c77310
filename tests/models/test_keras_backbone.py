"""Backbones of tf_keras.applications: features by stride, the input they expect, their weights."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.errors import UserError
from yolo_tf.models import zoo
from yolo_tf.models.blocks import conv_layers
from yolo_tf.models.keras_backbone import ApplicationInput, load_backbone

SMALL = "applications:MobileNet"  # the fewest layers
CHANNELS = dict.fromkeys((8, 16, 32), (4, 1, 2))


def make(backbone=SMALL, size=(64, 96), channels=CHANNELS, **settings):
    settings = {"backbone": backbone, "neck_width": 16, **settings}
    return zoo.MODELS["keras_backbone"](size, channels, **settings)


@pytest.fixture(scope="module")
def network():
    return make(size=(None, None))


def photos(*shape):
    return np.random.default_rng(3).uniform(size=(*shape, 3)).astype(np.float32)


def test_outputs_of_any_size(network):
    for shape in ((1, 32, 96), (2, 64, 32)):
        outputs = network(photos(*shape), training=False)
        assert list(outputs) == [8, 16, 32]
        for stride, output in outputs.items():
            assert output.shape == (shape[0], shape[1] // stride, shape[2] // stride, 7)


def test_names_tell_the_parts(network):
    names = {layer.name.partition("_")[0] for layer in network.layers if layer.weights}
    assert names == {"backbone", "neck", "output"}
    assert network.get_layer("backbone_MobileNet").weights
    assert all(not conv.name.startswith("backbone") for conv, _ in conv_layers(network))


def test_features_end_just_before_the_next_stride(network):
    application = tf_keras.applications.MobileNet(
        include_top=False, weights=None, input_shape=(64, 64, 3)
    )
    last = ["conv_pw_5_relu", "conv_pw_11_relu", "conv_pw_13_relu"]  # of the paper's table
    model = tf_keras.Model(application.input, [application.get_layer(n).output for n in last])
    backbone = network.get_layer("backbone_MobileNet")
    model.set_weights(backbone.get_weights())
    images = photos(1, 64, 64)
    for found, expected in zip(backbone(images), model(images), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def residual(input_shape, crossing=False, **settings):
    """A network whose blocks go down by a branch and a pool; `crossing`: all of it is joined."""
    layers = tf_keras.layers
    images = x = layers.Input(input_shape)
    kept = []
    for filters in (8, 16, 32, 64, 128):
        branch = layers.Conv2D(3, 1)(x)  # of the size of the stage before, but inside of the block
        branch = layers.Conv2D(filters, 3, 2, "same")(branch)
        x = layers.Concatenate()([branch, layers.MaxPool2D()(x)])
        kept = [layers.AveragePooling2D()(y) for y in kept] + [x]
    return tf_keras.Model(images, layers.Concatenate()(kept) if crossing else x)


def replace_mobilenet(monkeypatch, function):
    function.__module__ = tf_keras.applications.MobileNetV2.__module__  # has preprocess_input
    monkeypatch.setattr(tf_keras.applications, "MobileNet", function)


def test_features_are_no_branches_of_a_block(monkeypatch):
    replace_mobilenet(monkeypatch, residual)
    shapes = make().get_layer("backbone_MobileNet").output_shape
    channels = [3 + 8 + 16 + 32, 3 + 8 + 16 + 32 + 64, 3 + 8 + 16 + 32 + 64 + 128]
    assert shapes == [
        (None, 64 // s, 96 // s, c) for s, c in zip((8, 16, 32), channels, strict=True)
    ]
    replace_mobilenet(monkeypatch, functools.partial(residual, crossing=True))
    with pytest.raises(UserError, match=r"MobileNet has no features at stride 8, 16 for an input"):
        make()


def test_batch_norm_has_the_recipes_momentum():
    backbone = make(bn_momentum=0.9).get_layer("backbone_MobileNet")
    norms = [x for x in backbone.layers if isinstance(x, tf_keras.layers.BatchNormalization)]
    assert {norm.momentum for norm in norms} == {0.9}


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        ("MobileNetV2", [-1, 0, 1]),  # red, green, blue in -1..1
        ("MobileNetV3Small", [0, 127.5, 255]),  # scales inside
        ("ResNet50", [255 - 103.939, 127.5 - 116.779, -123.68]),  # blue, green, red without means
        ("DenseNet121", [-0.485 / 0.229, (0.5 - 0.456) / 0.224, (1 - 0.406) / 0.225]),
    ],
)
def test_input_that_the_application_expects(application, expected):
    layer = ApplicationInput(application)
    found = layer(tf.reshape([0, 0.5, 1.0], [1, 1, 1, 3]))
    np.testing.assert_allclose(found[0, 0, 0], expected, atol=1e-4)
    assert ApplicationInput.from_config(layer.get_config()).application == application


def test_every_kernel_gets_a_gradient():
    network = make(output_bias={8: 0.0, 16: 0.0, 32: 0.0})
    with tf.GradientTape() as tape:
        outputs = network(photos(2, 64, 96), training=True)
        loss = tf.add_n([tf.reduce_mean(output**2) for output in outputs.values()])
    gradients = tape.gradient(loss, network.trainable_variables)
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        assert np.isfinite(gradient).all(), variable.name
        if "kernel" in variable.name:
            assert np.abs(gradient).max() > 0, variable.name


def test_one_part_is_one_convolution_a_level():
    network = make(channels=dict.fromkeys((8, 16, 32), (21,)))
    for raw in network.output.values():
        assert raw.node.layer.filters == 21


def test_weights_of_a_file(tmp_path, network):
    source = tf_keras.applications.MobileNet(
        include_top=False, weights=None, input_shape=(64, 64, 3)
    )
    source.save_weights(tmp_path / "mobilenet.h5")
    load_backbone(network, SMALL, str(tmp_path / "mobilenet.h5"))
    backbone = network.get_layer("backbone_MobileNet")
    for found, expected in zip(backbone.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    before = backbone.get_weights()
    load_backbone(network, SMALL, "none")
    np.testing.assert_array_equal(backbone.get_weights()[0], before[0])


def test_weights_that_are_none(tmp_path, monkeypatch, network):
    (tmp_path / "text.h5").write_text("no HDF5")
    tf_keras.Sequential([tf_keras.layers.Dense(1, input_shape=(2,))]).save_weights(
        tmp_path / "other.h5"
    )
    for name in ("text.h5", "other.h5"):
        with pytest.raises(UserError, match=rf"{name}: not of MobileNet without its top: "):
            load_backbone(network, SMALL, str(tmp_path / name))
    with pytest.raises(UserError, match=r"none\.h5: found no such \.h5 file, expected imagenet"):
        load_backbone(network, SMALL, str(tmp_path / "none.h5"))

    def offline(weights, **settings):
        raise OSError(f"URL fetch failure on https://{weights}\nsecond line")

    monkeypatch.setattr(tf_keras.applications, "MobileNet", offline)
    message = r"=imagenet: cannot fetch the weights of MobileNet \(URL [^\n]*\); start from a file"
    with pytest.raises(UserError, match=message):
        load_backbone(network, SMALL, "imagenet")


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ("", r"config\.model\.backbone: found '', expected applications:NAME"),
        ("MobileNetV3Small", "expected applications:NAME.*did you mean applications:MobileNetV3Sm"),
        ("applications:MobilNetV2", r"did you mean applications:MobileNetV2\?"),
        ("applications:vgg16", r"did you mean applications:VGG16\?"),
    ],
)
def test_unknown_backbones(backbone, message):
    with pytest.raises(UserError, match=message):
        make(backbone)


def test_synchronised_batch_norm_is_refused():
    with pytest.raises(UserError, match="sync_batch_norm: found True, expected False"):
        make(bn_synchronized=True)
