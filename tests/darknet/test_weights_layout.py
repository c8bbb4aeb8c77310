"""Which arrays a .weights file has, and of how many classes it is."""

import os

import numpy as np
import pytest

from tests.darknet.data import cfg_files
from tests.darknet.weight_files import (
    ANCHORS,
    CLASSES,
    ENDS,
    assert_refused,
    small_network,
    values_of,
    weights_bytes,
    weights_file,
)
from yolo_tf.darknet.cfg import read_cfg
from yolo_tf.darknet.network import build
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.darknet.weights import Header, class_count, read_arrays, read_weights, write_weights
from yolo_tf.darknet.weights_layout import conv_ends, layout_of
from yolo_tf.models import blocks, zoo


@pytest.fixture(scope="module")
def network():
    return small_network()


def test_class_count_of_a_file(tmp_path, network):
    path = tmp_path / "net.weights"
    for classes in (1, 2, 80):
        write_weights(path, small_network(classes))
        assert class_count(path, network, CLASSES) == classes
    for count in (0, ENDS[-1] + 1, ENDS[2] + 5 * 5 * ANCHORS):  # the last: no class at all
        assert class_count(weights_file(tmp_path, np.ones(count)), network, CLASSES) is None
    with pytest.raises(ValueError, match="output_conv_003 has 21 filters"):
        class_count(path, network, 3)


def test_class_count_of_several_outputs(tmp_path):
    channels = {16: 3 * 85, 32: 3 * 85}
    network = zoo.MODELS["yolov3_tiny"]((32, 32), channels)
    path = tmp_path / "yolov3-tiny.weights"
    path.write_bytes(weights_bytes([]))
    os.truncate(path, 35434956)  # sparse; Darknet's own size of it
    assert class_count(path, network, 80) == 80
    os.truncate(path, 35434956 - 4 * 60 * 3 * (512 + 256 + 2))
    assert class_count(path, network, 80) == 20


def test_class_count_of_gaussian_outputs(tmp_path):
    path = tmp_path / "net.weights"
    write_weights(path, small_network(4 + 80))
    network = small_network(4 + CLASSES)
    arrays, _, classes = read_arrays(path, network, CLASSES, box_channels=9)
    assert classes == 80
    assert arrays["conv_003/bias"].shape == (3 * 89,)


def test_arrays_of_a_file_of_another_class_count(tmp_path, network):
    path = tmp_path / "net.weights"
    other = small_network(80)
    write_weights(path, other, Header(seen=5))
    before = values_of(network)
    arrays, header, classes = read_arrays(path, network, CLASSES)

    assert (classes, header.seen) == (80, 5)
    assert arrays["conv_003/bias"].shape == (3 * 85,)
    first, output = (blocks.conv_layers(other)[number][0] for number in (0, 3))
    np.testing.assert_array_equal(arrays["conv_003/kernel"], output.kernel)
    np.testing.assert_array_equal(arrays["conv_000/kernel"], first.kernel)
    assert set(arrays) == {
        *(f"conv_00{n}/{name}" for n in range(3) for name in ("beta", "gamma", "kernel")),
        *(f"conv_00{n}/moving_{name}" for n in range(3) for name in ("mean", "variance")),
        "conv_003/bias",
        "conv_003/kernel",
    }
    for found, expected in zip(values_of(network), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert_refused(lambda: read_weights(path, network), "bytes are left over")
    assert_refused(
        lambda: read_arrays(weights_file(tmp_path, np.ones(300)), network, CLASSES), "1220 bytes"
    )


def test_arrays_of_the_same_class_count(tmp_path, network):
    write_weights(tmp_path / "net.weights", network)
    assert read_arrays(tmp_path / "net.weights", network, CLASSES)[2] == CLASSES
    path = weights_file(tmp_path, np.ones(ENDS[0]), "net.conv.1")
    arrays, _, classes = read_arrays(path, network, CLASSES)
    assert (len(arrays), classes) == (5, CLASSES)


def test_class_count_without_scales(tmp_path, network):
    path = weights_file(tmp_path, np.ones(ENDS[-1] - 3 * 4))
    assert class_count(path, network, CLASSES, skip_scales=frozenset({0})) == CLASSES


def test_darknet53_conv_74_holds_the_backbone_of_yolov3():
    network = zoo.MODELS["yolov3"]((32, 32), dict.fromkeys(zoo.STRIDES["yolov3"], 255))
    ends = list(conv_ends(layout_of(network)))
    assert ends[51] == 40620640
    assert ends[-1] == 62001757


@pytest.mark.parametrize("path", cfg_files())
def test_real_files(tmp_path, path):
    """They have their cfg's length, and come out of a network as they went in."""
    weights = path.with_suffix(".weights")
    if not weights.exists():
        pytest.skip(f"no {weights}")
    cfg = read_cfg(path)
    levels = outputs(plan(cfg))
    network = build(cfg, (32, 32), {level.stride: 3 * (5 + 7) for level in levels})
    assert read_arrays(weights, network, 7)[2] == levels[0].classes

    network = build(cfg, (32, 32), {level.stride: 3 * (5 + level.classes) for level in levels})
    header, count = read_weights(weights, network)
    assert (header.major, header.minor, header.revision) == (0, 2, 5)
    assert count == len(blocks.conv_layers(network))
    write_weights(tmp_path / "again.weights", network, header)
    assert (tmp_path / "again.weights").read_bytes() == weights.read_bytes()


def test_a_huge_file_is_never_read(tmp_path, network):
    path = tmp_path / "huge.weights"
    per_class = ANCHORS * 5  # floats of the output for one more class
    classes = 2**38 // per_class
    path.write_bytes(weights_bytes([]))
    os.truncate(path, 20 + 4 * (ENDS[-1] + classes * per_class))  # sparse: 1 TB of zeros
    assert_refused(lambda: read_weights(path, network), "bytes are left over")
    assert_refused(lambda: read_arrays(path, network, CLASSES), "bytes are left over")
    assert class_count(path, network, CLASSES) is None
