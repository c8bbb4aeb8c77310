"""The dry run, and what it says a forward pass costs."""

import pytest
import tf_keras

from yolo_tf.config.recipes import find_recipe, load_recipe
from yolo_tf.detector.build import build_detector
from yolo_tf.errors import UserError
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train.dry_run import forward_flops
from yolo_tf.train.loop import dry_run


def test_flops_of_a_known_network():
    """5.56 billion for 80 classes, as pjreddie.com/darknet/yolo lists it."""
    detector = build_detector(load_recipe(find_recipe("yolov3_tiny")), [str(n) for n in range(80)])
    found = forward_flops(detector.network)
    assert found == {"Conv2D": pytest.approx(5.56e9, rel=0.005)}


def test_flops_by_kind():
    layers = tf_keras.layers
    images = layers.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, strides=2, groups=3, use_bias=False)(images)  # [3, 3, 6] outputs
    x = layers.DepthwiseConv2D(2, padding="same")(x)
    found = forward_flops(tf_keras.Model(images, x))
    assert found == {
        "Conv2D": 2 * 9 * 6 * (3 * 3 * 1),
        "DepthwiseConv2D": 2 * 9 * 6 * (2 * 2),
    }


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_dry_run_tells_and_leaves_nothing(recipe, tmp_path, capsys, at_once):
    config = recipe(val=True, epochs=7, steps_per_execution=at_once)
    dry_run(config, RunFolder(tmp_path / "run"))
    assert not list(tmp_path.iterdir())
    lines = capsys.readouterr().out.splitlines()
    found = {line[:13].strip(): line[13:] for line in lines}
    assert "7,004 trained, 0 frozen, 96 statistics of batch norm" in found["network"]
    assert found["weights"].startswith("random; 24 images are few")
    assert found["forward pass"].startswith("0.00 GFLOPs an image")
    assert "optimiser 0.1 MB, averages 0.0 MB, peak of the process" in found["memory"]
    assert " s for 8 images, " in found["step"]
    assert " for 3 steps and 0:0" in found["epoch"]
    assert found["training"].endswith("for 7 epochs")
    assert found["dry run"] == f"done; nothing was written into {tmp_path}/run"


def test_a_dry_run_refuses_what_a_training_refuses(recipe, straight, tmp_path):
    with pytest.raises(UserError, match="holds a run already"):
        dry_run(recipe(), straight)
    config = recipe()
    config.train.optimizer.learning_rate = 1e30
    config.train.optimizer.name = "sgd"
    config.train.schedule.warmup_epochs = 0
    with pytest.raises(UserError, match=r"lower config\.train\.optimizer\.learning_rate"):
        dry_run(config, RunFolder(tmp_path / "run"))
    assert not list(tmp_path.iterdir())
