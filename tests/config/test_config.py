"""Settings that training refuses before it starts."""

import pytest

from tests.small import small_config
from yolo_tf.cli.recipe import set_value
from yolo_tf.errors import UserError
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train.loop import train


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("train.epochs", "3", "config.train.epochs: found '3', expected a whole number"),
        ("train.epochs", -1, "config.train.epochs: found -1, expected at least 0"),
        ("train.epochs", 0, "config.train.epochs: found 0, expected at least 1; 0 leaves the"),
        ("train.batch_size", -4, "config.train.batch_size: found -4, expected at least 1"),
        ("train.seed", "x", "config.train.seed: found 'x', expected a whole number"),
        ("train.evaluate_every", 0, "config.train.evaluate_every: found 0, expected at least 1"),
        ("train.best_metric", "mAP", "config.train.best_metric: found 'mAP', expected one of AP,"),
        ("train.optimizer.name", "sdg", "config.train.optimizer.name: found 'sdg', expected one"),
        ("train.optimizer.learning_rate", "1e-3", "found '1e-3', expected a finite number"),
        ("train.schedule.name", "cosin", "config.train.schedule.name: found 'cosin', expected one"),
        (
            "input_size",
            (64, 100),
            "config.input_size: width 100 is not a multiple of the largest",
        ),
        ("model.name", "yolo", "config.model.name: found 'yolo', expected one of"),
        ("data.resize", "crop", "config.data.resize: found 'crop', expected one of"),
        ("data.max_boxes", 0, "config.data.max_boxes: found 0, expected at least 1"),
        ("data.names", "/nowhere.names", "/nowhere.names: not readable as a class-name file"),
        ("data.augment.flip", "half", "config.data.augment.flip: found 'half', expected a finite"),
        ("head.assign.policy", "near", "config.head.assign.policy: found 'near', expected one of"),
        ("head.loss", 3, "config.head.loss: found 3, expected DarknetLossConfig"),
    ],
)
def test_training_refuses(shapes_records, tmp_path, name, value, message):
    config = small_config(shapes_records.train)
    set_value(config, name, value)
    run = RunFolder(tmp_path / "run")
    with pytest.raises(UserError) as caught:
        train(config, run)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not run.path.exists()  # nothing is made before the settings are known to be good
