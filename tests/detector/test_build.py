"""From a recipe to a detector."""

import pytest

from tests.small import add_micro, small_config
from yolo_tf.cli.recipe import set_value
from yolo_tf.config import NmsConfig, SsdHeadConfig
from yolo_tf.detector.build import build_detector, build_head
from yolo_tf.errors import UserError

NAMES = ["cat", "dog", "cow"]


@pytest.fixture(autouse=True)
def micro(monkeypatch):
    add_micro(monkeypatch)


def build(**values):
    config = small_config()
    config.model.name = "micro"
    for name, value in values.items():
        set_value(config, name.replace("__", "."), value)
    return build_detector(config, NAMES)


def test_parts_are_joined():
    detector = build(data__resize="letterbox", nms__max_detections=7)
    assert detector.class_names == NAMES
    assert detector.input_size == (64, 96)
    assert detector.resize_method == "letterbox"
    assert detector.nms.max_detections == 7
    assert detector.network.output_shape == {16: (None, 4, 6, 24), 32: (None, 2, 3, 24)}


def test_the_output_layers_start_from_the_heads_bias():
    detector = build()
    bias = detector.network.get_layer("output_conv_016").bias.numpy()
    assert bias == pytest.approx(detector.head.output_bias(16))


def test_the_names_of_the_network_are_those_of_the_zoo():
    network = build_detector(small_config(), NAMES).network
    assert network.name == "yolov3_tiny"


def test_number_of_classes_may_be_given():
    assert build(model__num_classes=3).head.num_classes == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model__name": "yolov9"}, "config.model.name: found 'yolov9', expected one of yolov3"),
        (
            {"model__num_classes": 80},
            r"config.model.num_classes: found 80, but the data has 3 classes \(cat, dog, cow\)",
        ),
        (
            {"head__anchors": {16: ((8, 8),)}},
            r"config.head: found strides \[16\], but micro has outputs at \[16, 32\]",
        ),
        (
            {"input_size": (64, 100)},
            "config.input_size: width 100 is not a multiple of the largest stride of"
            " micro, 32; the nearest: 96 and 128",
        ),
        ({"input_size": (16, 64)}, "height 16 is not a multiple of .*, 32; the nearest: 32$"),
        (
            {"input_size": (80, 64)},
            "height 80 is not a multiple .* 32; the nearest: 64 and 96$",
        ),
        ({"head": NmsConfig()}, "config.head: found NmsConfig, expected one of YoloHeadConfig"),
        ({"head__codec": "expo"}, "config.head.codec: found 'expo', expected one of"),
        ({"head__loss__iou_type": "ioou"}, "config.head.loss.iou_type: found 'ioou', expected"),
    ],
)
def test_a_setting_that_cannot_be_built(values, message):
    with pytest.raises(UserError, match=message):
        build(**values)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("ssd300", (300, 416), r"found \(300, 416\), expected \(300, 300\), the only size that"),
        (
            "ssd_tiny",
            (80, 64),
            "height 80 is not a multiple of the largest stride of ssd_tiny before its"
            " extra levels, 32; the nearest: 64 and 96",
        ),
    ],
)
def test_an_input_size_that_an_ssd_does_not_take(name, size, message):
    with pytest.raises(UserError, match=f"config.input_size: {message}"):
        build(model__name=name, input_size=size)


def test_an_ssd_whose_last_level_rounds_up():
    head = SsdHeadConfig(
        aspect_ratios=dict.fromkeys((16, 32, 64), (1.0,)), scales=(0.2, 0.4, 0.6, 0.8)
    )
    detector = build(model__name="ssd_tiny", input_size=(64, 96), head=head)
    assert detector.network.output_shape[64] == (None, 1, 2, 2 * (1 + 3 + 4))
    assert detector.head.grid(64) == (1, 2)


def test_no_classes():
    with pytest.raises(UserError, match="number of classes: found 0, expected at least 1"):
        build_head(small_config(), 0)
