import numpy as np
import pytest

from tests.benchmark.recipes import plausible, tiny
from yolo_tf.benchmark import step
from yolo_tf.detector.build import build_detector
from yolo_tf.train.optimizers import make_optimizer


def test_measures_both_steps():
    found = step.measure_step(tiny(), batch_size=2, num_classes=3, repeats=2)
    for name in ("bare", "train"):
        assert plausible(found[name])
        assert found[name]["seconds"] > 0
        assert found[name]["processor_seconds"] > 0
    assert found["ratio"] == pytest.approx(found["train"]["seconds"] / found["bare"]["seconds"])
    low, middle, high = found["pair_ratio"]
    assert 0 < low <= middle <= high
    assert found["processor_ratio"] > 0
    assert found["fastest_ratio"] > 0
    assert found["parameters"] > 8e6
    assert (found["batch_size"], found["repeats"]) == (2, 2)


@pytest.mark.parametrize("kind", ["bare", "train"])
def test_steps_learn_at_a_rate_above_zero(kind):
    """Both do forward pass, backward pass and update; the benchmark's rate 0 hides the last."""
    config = tiny()
    detector = build_detector(config, ["a", "b"])
    detector.compile(optimizer=make_optimizer(config.train.optimizer, 1e-3))
    batch = step.make_batch(detector, 2, config.data.max_boxes)
    run = {
        "bare": lambda: step.bare_step(detector, batch["image"]),
        "train": lambda: step.train_step(detector, batch),
    }[kind]()
    before = [variable.numpy() for variable in detector.network.trainable_variables]
    first, *_, last = [run() for _ in range(5)]
    assert np.isfinite(last)
    assert last < first
    after = detector.network.trainable_variables
    assert all((a != b.numpy()).any() for a, b in zip(before, after, strict=True))
    assert int(detector.optimizer.iterations) == 5
