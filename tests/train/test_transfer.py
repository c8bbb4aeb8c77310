"""What is loaded, starts anew and is frozen, for each mode and source."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tf_keras

from yolo_tf.config import TransferConfig, YoloHeadConfig
from yolo_tf.darknet.weights import write_weights
from yolo_tf.detector.detector import Detector
from yolo_tf.errors import UserError
from yolo_tf.heads.yolo.head import YoloHead
from yolo_tf.models.blocks import Darknet, conv_layers
from yolo_tf.models.ssd import L2Normalise
from yolo_tf.runs import checkpoint
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train.transfer import MODES, freeze, transfer

STRIDE, ANCHORS = 4, 2


def network(classes=3, neck=8):
    """Backbone, neck and output of one convolution each, and a depthwise one."""
    net = Darknet(bn_momentum=0.9, bn_epsilon=1e-5)
    images = tf_keras.Input((16, 24, 3))
    x = net.conv(images, 4, 3, stride=2)
    x = net.conv(x, 4, 3, stride=2, groups=4)
    x = net.conv(x, neck, 1, part="neck")
    outputs = {STRIDE: net.output(x, ANCHORS * (5 + classes))}
    made = tf_keras.Model(images, outputs, name="small")
    random = np.random.default_rng(classes)
    made.set_weights([random.uniform(0.1, 1, w.shape) for w in made.get_weights()])
    return made


def detector(model, names="abc"):
    """With a head of two anchors a cell."""
    names = list(names)
    head = YoloHead(YoloHeadConfig(anchors={STRIDE: [(4, 4), (8, 8)]}), len(names), (16, 24))
    return SimpleNamespace(network=model, head=head, class_names=names)


def weights_by_part(model):
    return {
        conv.name.partition("_")[0]: [*conv.get_weights(), *(norm.get_weights() if norm else [])]
        for conv, norm in conv_layers(model)
    }


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture
def darknet_file(tmp_path):
    """A .weights file of 80 classes, and the network that it is of."""
    source = network(80)
    write_weights(tmp_path / "net.weights", source)
    return str(tmp_path / "net.weights"), source


@pytest.mark.parametrize("mode", MODES)
def test_modes_on_another_class_count(darknet_file, mode):
    path, source = darknet_file
    target = network(3)
    start, there = weights_by_part(target), weights_by_part(source)

    report = transfer(TransferConfig(path, mode), detector(target))

    loaded, frozen = MODES[mode]
    now = weights_by_part(target)
    for row in report.rows:
        is_loaded = row.part in loaded and row.part != "output"
        assert same(now[row.part], there[row.part] if is_loaded else start[row.part])
        assert (row.loaded > 0) == is_loaded
        assert (row.anew > 0) != is_loaded
        assert (row.frozen > 0) == (row.part in frozen)
    trained = {weight.name.partition("_")[0] for weight in target.trainable_weights}
    assert trained == {"backbone", "neck", "output"} - set(frozen)


def test_a_call_with_the_network_and_its_number_of_classes(darknet_file):
    path, _ = darknet_file
    usual, other = network(3), network(3)
    made = Detector(other, detector(other).head, list("abc"), (16, 24))
    expected = transfer(TransferConfig(path), detector(usual))
    assert transfer(TransferConfig(path), made.network, 3).table() == expected.table()
    assert same(usual.get_weights(), other.get_weights())


def test_all_of_one_class_count(darknet_file):
    path, source = darknet_file
    target = network(80)
    report = transfer(TransferConfig(path), detector(target, map(str, range(80))))
    assert same(target.get_weights(), source.get_weights())
    assert (report.reasons, report.skipped) == ({}, 0)
    assert "80 classes" in report.table()


def test_the_table_says_why(darknet_file):
    table = transfer(TransferConfig(darknet_file[0]), detector(network(3))).table()
    assert "output_conv_003 re-initialised: 80 classes there, 3 here" in table
    assert "1 convolutions of the source skipped" in table
    assert "backbone                 2               2               0               0" in table


@pytest.mark.parametrize("inside", ["", "checkpoints/epoch-0000"])
def test_another_shape_starts_anew(tmp_path, monkeypatch, inside):
    other, target = network(3, neck=6), network(3)
    run = RunFolder(tmp_path / "run")
    checkpoint.save(run.checkpoints, {"network": other}, checkpoint.State(), best=True)
    run.config.write_text("")
    loaded = detector(other)
    monkeypatch.setattr(RunFolder, "load_detector", lambda *_: (loaded, None))

    report = transfer(TransferConfig(str(run.path / inside)), detector(target))

    assert report.reasons["neck_conv_002"] == "beta has shape (6,) there, (8,) here"
    assert set(report.reasons) == {"neck_conv_002", "output_conv_003"}
    assert same(weights_by_part(target)["backbone"], weights_by_part(other)["backbone"])


def with_l2(scale):
    net = Darknet(bn_momentum=0.9, bn_epsilon=1e-5)
    images = tf_keras.Input((16, 24, 3))
    x = L2Normalise(scale, name="backbone_l2")(net.conv(images, 4, 3, stride=4))
    return tf_keras.Model(images, {STRIDE: net.output(x, ANCHORS * 8)}, name="small")


@pytest.mark.parametrize("mode", ["all", "backbone", "frozen"])
def test_a_layer_that_darknet_does_not_have(tmp_path, monkeypatch, mode):
    other, target = with_l2(7.0), with_l2(20.0)
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.config.write_text("")
    loaded = detector(other)
    monkeypatch.setattr(RunFolder, "load_detector", lambda *_: (loaded, None))

    transfer(TransferConfig(str(run.path), mode), detector(target))

    layer = target.get_layer("backbone_l2")
    assert layer.get_weights()[0].tolist() == [7.0] * 4
    assert layer.trainable == (mode != "frozen")


def test_a_part_of_a_darknet_file(tmp_path, darknet_file):
    path, source = darknet_file
    first = sum(w.size for pair in conv_layers(source)[:2] for x in pair for w in x.get_weights())
    data = Path(path).read_bytes()[: 20 + 4 * first]
    partial = tmp_path / "net.conv.2"
    partial.write_bytes(data)
    target = network(3)
    report = transfer(TransferConfig(str(partial)), detector(target))
    assert [row.loaded for row in report.rows] == [2, 0, 0]
    assert report.reasons["neck_conv_002"] == "the source has no conv_002/beta"
    assert "first layers" in report.table()


def test_frozen_batch_norm_uses_its_moving_statistics(darknet_file):
    target = network(3)
    transfer(TransferConfig(darknet_file[0], "frozen"), detector(target))
    images = np.random.default_rng(0).uniform(size=(2, 16, 24, 3)).astype(np.float32)
    np.testing.assert_array_equal(
        target(images, training=True)[STRIDE], target(images, training=False)[STRIDE]
    )


def test_a_resumed_run_is_frozen_again():
    target = network(3)
    assert freeze(TransferConfig("gone", "fine_tune"), target) == {"backbone": 2}
    assert not conv_layers(target)[0][1].trainable


@pytest.mark.parametrize(
    ("source", "mode", "message"),
    [
        ("", "some", "config.transfer.mode: found 'some', expected one of none, backbone"),
        ("", "fine_tune", "mode=fine_tune: would freeze random weights; name those"),
        ("missing.weights", "all", "source=missing.weights: not found; expected a .weights"),
        (".", "all", r"neither a run folder \(config.yaml\) nor a checkpoint"),
    ],
)
def test_mistakes(source, mode, message):
    with pytest.raises(UserError, match=message):
        transfer(TransferConfig(source, mode), detector(network(3)))


def test_no_source_is_nothing_to_do():
    target = network(3)
    before = target.get_weights()
    assert transfer(TransferConfig(), detector(target)) is None
    assert same(before, target.get_weights())


def test_a_file_of_another_network(tmp_path, darknet_file):
    bad = tmp_path / "other.weights"
    bad.write_bytes(Path(darknet_file[0]).read_bytes()[:-6])
    with pytest.raises(UserError, match=r"other\.weights: \d+ bytes found, \d+ expected"):
        transfer(TransferConfig(str(bad)), detector(network(3)))
