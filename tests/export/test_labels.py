"""A run on records whose labels count from 1: all commands go by the run's own settings."""

import pytest

from tests.data.records.made import NAMES, edited, record, write
from tests.small import small_config
from yolo_tf.detector.build import build_detector
from yolo_tf.export.export import calibration_images
from yolo_tf.loading import load_trained
from yolo_tf.train.fitting import save_run


@pytest.fixture
def pattern(tmp_path):
    """Four images without class texts, whose labels are 1 to 3."""
    examples = [record(str(n), [[0.1, 0.2, 0.6, 0.7]], [n % 3], (64, 96)) for n in range(4)]
    return write(tmp_path, [[edited(one, ["image/object/class/text"]) for one in examples]])


@pytest.fixture
def run(tmp_path, pattern):
    config = small_config(pattern, pattern)
    config.model.name, config.data.labels = "micro", "one_based"
    save_run(build_detector(config, NAMES), config, tmp_path / "run")
    return tmp_path / "run"


def test_a_run_with_labels_from_1_exports(run, tmp_path, command):
    # Without --data and --calibration: those of the run.
    done = command("export", f"--model={run}", f"--output={tmp_path / 'out'}", "--formats=keras")
    assert done.code == 0, done.err
    assert "AP50 was not compared" not in done.out


def test_a_run_with_labels_from_1_calibrates(run, pattern):
    assert len(list(calibration_images(load_trained(run), pattern)())) == 4


def test_a_run_with_labels_from_1_is_evaluated(run, pattern, tmp_path, command):
    given = [f"--model={run}", f"--data={pattern}", f"--output={tmp_path / 'report'}"]
    done = command("evaluate", *given)
    assert done.code == 0, done.err
    error = command("evaluate", *given, "--labels=").error()
    assert "label: found 3, expected 0 to 2" in error
