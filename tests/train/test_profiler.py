"""The profile of some steps."""

import dataclasses

import pytest

from yolo_tf.config import TrainConfig
from yolo_tf.errors import UserError
from yolo_tf.runs.checkpoint import State
from yolo_tf.train import tensorboard
from yolo_tf.train.tensorboard import Profiler, check_window


def test_a_run_has_the_trace(straight):
    (trace,) = straight.tensorboard.glob("plugins/profile/*/*.xplane.pb")
    assert trace.stat().st_size > 10_000


@pytest.mark.parametrize("window", [(5,), (0, 3), (4, 3), (1, 2, 3)])
def test_no_first_and_last_step(window):
    shown = ",".join(map(str, window))
    with pytest.raises(UserError, match=f"config.train.profile: found {shown}, expected the first"):
        check_window(dataclasses.replace(TrainConfig(), profile=window))


@pytest.fixture
def calls(monkeypatch):
    seen = []
    monkeypatch.setattr(
        tensorboard.tf.profiler.experimental, "start", lambda _: seen.append("start")
    )
    monkeypatch.setattr(tensorboard.tf.profiler.experimental, "stop", lambda: seen.append("stop"))
    return seen


def epoch(watch, number, batches, calls):
    watch.on_epoch_begin(number)
    for batch in range(batches):
        watch.on_train_batch_begin(batch)
        calls.append((number, batch))
        watch.on_train_batch_end(batch)


def test_steps_count_over_epochs(calls, tmp_path):
    with Profiler((3, 4), tmp_path, steps=3, state=State()) as watch:
        epoch(watch, 0, 3, calls)
        epoch(watch, 1, 3, calls)
    assert calls == [(0, 0), (0, 1), "start", (0, 2), (1, 0), "stop", (1, 1), (1, 2)]


def test_a_training_that_ends_before(calls, tmp_path):
    with Profiler((6, 9), tmp_path, steps=3, state=State(within_epoch=1)) as watch:
        epoch(watch, 1, 2, calls)  # steps 5 and 6
    assert calls == [(1, 0), "start", (1, 1), "stop"]


def test_none_asked_for(calls, tmp_path):
    with Profiler((), tmp_path, steps=3, state=State()) as watch:
        epoch(watch, 0, 2, calls)
    assert calls == [(0, 0), (0, 1)]
