"""Weights of one class list in a network of another: a class takes its own channels along."""

import numpy as np
import pytest

from yolo_tf.config import Config, GaussianLossConfig, TalHeadConfig, TransferConfig
from yolo_tf.config.recipes import find_recipe, load_recipe
from yolo_tf.darknet.weights import write_weights
from yolo_tf.detector.build import build_detector
from yolo_tf.errors import UserError
from yolo_tf.models.blocks import output_layers
from yolo_tf.runs import checkpoint
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train.transfer import transfer

CLASSES = ["fox", "wolf", "bear"]
FAMILIES = ("yolo", "gaussian", "yolox", "tal", "ssd")


def recipe(family):
    if family == "tal":
        config = Config(head=TalHeadConfig())
        config.model.name = "yolo_n"
    else:
        names = {"yolox": "yolox_tiny", "ssd": "ssd_tiny"}
        config = load_recipe(find_recipe(names.get(family, "yolov3_tiny")))
    if family == "gaussian":
        config.head.codec, config.head.loss = "gaussian", GaussianLossConfig()
    config.input_size = (64, 64)
    return config


def trained(family):
    """A detector whose outputs tell boxes and classes apart."""
    detector, random = build_detector(recipe(family), CLASSES), np.random.default_rng(0)
    for stride in detector.head.strides:
        for layer in output_layers(detector.network, stride):
            layer.set_weights([random.normal(0, 0.3, w.shape) for w in layer.get_weights()])
    return detector


def run_of(detector, config, path):
    run = RunFolder(path)
    run.create(config, detector.class_names)
    checkpoint.save(run.checkpoints, {"network": detector.network}, checkpoint.State(), best=True)
    return str(path)


def found(detector):
    """Boxes and {class: scores} before suppression."""
    image = np.random.default_rng(1).random([1, 64, 64, 3], np.float32)
    boxes, scores = detector.head.decode(detector.network(image))
    return boxes.numpy(), dict(zip(detector.class_names, scores.numpy().T, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_classes_keep_their_scores_in_another_list(family, tmp_path):
    config, old = recipe(family), trained(family)
    source = TransferConfig(run_of(old, config, tmp_path / "run"))
    boxes, scores = found(old)

    turned = build_detector(config, CLASSES[::-1])
    report = transfer(source, turned)
    boxes_turned, scores_turned = found(turned)
    np.testing.assert_array_equal(boxes_turned, boxes)
    for name in CLASSES:
        np.testing.assert_allclose(scores_turned[name], scores[name], rtol=1e-5)
    assert not report.reasons
    assert "classes: all 3 loaded by name, in another order there" in report.table()

    other = build_detector(config, ["bear", "cat", "fox", "dog"])
    report = transfer(source, other)
    boxes_other, scores_other = found(other)
    # Convolutions of another width may add up in another order.
    np.testing.assert_allclose(boxes_other, boxes, rtol=1e-3, atol=1e-5)
    # Of softmax alone ratios are left, since the sum is over other classes.
    ratio, ratio_other = (each["bear"] / each["fox"] for each in (scores, scores_other))
    np.testing.assert_allclose(ratio_other, ratio, rtol=1e-4)
    if family != "ssd":
        np.testing.assert_allclose(scores_other["fox"], scores["fox"], rtol=1e-5)
    lines = report.table()
    assert "classes loaded by name (2): bear, fox" in lines
    assert "classes re-initialised (2): cat, dog" in lines
    assert "classes of the source, without a use (1): wolf" in lines


@pytest.mark.parametrize("family", ["yolo", "tal"])
def test_new_classes_begin_anew(family, tmp_path):
    """Channels of a class that the source has not are those of a network without a source."""
    config = recipe(family)
    source = TransferConfig(run_of(trained(family), config, tmp_path / "run"))
    other = build_detector(config, ["cat", "fox"])
    before = {layer.name: layer.get_weights() for layer in other.network.layers}
    transfer(source, other)
    for stride in other.head.strides:
        classes, layers = other.head.channel_classes(stride), output_layers(other.network, stride)
        old, new = (
            np.concatenate([each[layer.name][1] for layer in layers])
            for each in (before, {layer.name: layer.get_weights() for layer in layers})
        )
        np.testing.assert_array_equal(old[classes == 0], new[classes == 0])
        assert (old[classes != 0] != new[classes != 0]).all()


def test_no_class_in_common(tmp_path):
    config = recipe("yolo")
    source = TransferConfig(run_of(trained("yolo"), config, tmp_path / "run"))
    report = transfer(source, build_detector(config, ["x", "y", "z"]))
    reason = "no class in common: fox, wolf, bear there, x, y, z here"
    assert [*report.reasons.values()] == [reason] * 2


@pytest.mark.parametrize("family", ["yolo", "gaussian"])
def test_a_darknet_file_with_its_names(family, tmp_path):
    config, old = recipe(family), trained(family)
    write_weights(tmp_path / "net.weights", old.network)
    source = TransferConfig(str(tmp_path / "net.weights"))
    (tmp_path / "net.names").write_text("fox\nwolf\nbear\n")
    _, scores = found(old)
    for names in (["bear", "wolf", "fox"], ["cat", "bear"]):
        new = build_detector(config, names)
        transfer(source, new)
        np.testing.assert_allclose(found(new)[1]["bear"], scores["bear"], rtol=1e-5)

    (tmp_path / "net.names").write_text("fox\nwolf\n")
    with pytest.raises(UserError, match=r"net\.names: found 2 names, expected 3, one for each"):
        transfer(source, build_detector(config, CLASSES))


def test_a_darknet_file_without_names(tmp_path):
    config, old = recipe("yolo"), trained("yolo")
    write_weights(tmp_path / "net.weights", old.network)
    new = build_detector(config, ["x", "y", "z"])
    report = transfer(TransferConfig(str(tmp_path / "net.weights")), new)
    assert "the source does not name its 3: taken in their order, as x, y, z" in report.table()
    np.testing.assert_array_equal(found(new)[1]["z"], found(old)[1]["bear"])
