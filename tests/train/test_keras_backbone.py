"""A backbone of Keras in a training: its weights, frozen; the run comes back and goes out."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.small import small_config
from yolo_tf.config import YoloxHeadConfig
from yolo_tf.detector.build import build_detector
from yolo_tf.errors import UserError
from yolo_tf.export.fold import folded
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train.loop import train
from yolo_tf.train.transfer import transfer


@pytest.fixture
def config(shapes_records, tmp_path):
    """A recipe on MobileNet with weights of a file, its backbone frozen."""
    tf_keras.utils.set_random_seed(1)
    source = tf_keras.applications.MobileNet(
        include_top=False, weights=None, input_shape=(64, 96, 3)
    )
    source.save_weights(tmp_path / "mobilenet.h5")
    config = small_config(shapes_records.train, epochs=1, tensorboard=False)
    config.head = YoloxHeadConfig()
    config.model.backbone, config.model.neck_width = "applications:MobileNet", 16
    config.model.backbone_weights = str(tmp_path / "mobilenet.h5")
    config.transfer.mode = "fine_tune"
    return config, source.get_weights()


def test_a_run_with_a_frozen_backbone(config, tmp_path, capsys):
    config, weights = config
    train(config, RunFolder(tmp_path / "run"))
    assert "mobilenet.h5 of applications:MobileNet, mode fine_tune" in capsys.readouterr().out
    (tmp_path / "mobilenet.h5").unlink()  # the run needs it no more
    detector, recipe = RunFolder(tmp_path / "run").load_detector()
    backbone = detector.network.get_layer("backbone_MobileNet").get_weights()
    for found, expected in zip(backbone, weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    images = tf.random.stateless_uniform([2, 64, 96, 3], (1, 2))
    expected = detector.network(images, training=False)
    found = folded(detector, recipe)(images)
    for stride, raw in expected.items():
        np.testing.assert_allclose(found[stride], raw, atol=2e-5)


def test_random_weights_are_not_frozen(config):
    config, _ = config
    detector = build_detector(config, ["a", "b"])
    for pretrained in ({"backbone"}, set()):
        config.transfer.mode = "frozen" if pretrained else "fine_tune"
        with pytest.raises(UserError, match="would freeze random weights"):
            transfer(config.transfer, detector, frozenset(pretrained))


def test_a_cfg_has_its_own_backbone(config):
    config, _ = config
    config.model.cfg = "net.cfg"
    with pytest.raises(UserError, match=r"config\.model\.backbone: .* are in its file, net\.cfg"):
        build_detector(config, ["a", "b"])
