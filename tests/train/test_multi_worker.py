"""Two processes on this machine train as one does, and survive what happens to one of them."""

import signal
import sys

import numpy as np
import pytest

from tests.small import add_micro
from tests.train.cluster import free_ports, start_worker
from tests.train.worker import recipe, signal_at
from yolo_tf.loading import load
from yolo_tf.runs import checkpoint
from yolo_tf.runs.folder import RunFolder
from yolo_tf.runs.results import read_rows
from yolo_tf.train.callbacks import Alarm
from yolo_tf.train.interruption import Interrupted
from yolo_tf.train.loop import train
from yolo_tf.train.progress import COSTS

pytestmark = pytest.mark.long

TIMEOUT = 900  # seconds; much more than an idle machine takes


def two_workers(*flags, victim, step, number):
    """Runs the command in two processes, one of which gets a signal: (code, out, err) of each."""
    ports, workers = free_ports(2), []
    for index in range(2):
        at = step if index == victim else -1
        command = [sys.executable, "-m", "tests.train.worker", str(at), str(int(number)), *flags]
        workers.append(start_worker(command, ports, index))
    try:
        texts = [worker.communicate(timeout=TIMEOUT) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    return [(worker.returncode, *text) for worker, text in zip(workers, texts, strict=True)]


def position(run):
    state = checkpoint.read_state(checkpoint.find(run.checkpoints, "last"))
    return state.epoch, state.step


def test_two_processes_train_as_one(shapes_records, tmp_path, monkeypatch):
    """One is killed in the second epoch; started again, the other is asked to end in the third."""
    one, two = RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two")
    patterns = shapes_records.train, shapes_records.val
    add_micro(monkeypatch)
    monkeypatch.setattr(Alarm, "on_train_batch_end", signal_at(8, signal.SIGTERM))
    with pytest.raises(Interrupted):
        train(recipe(*patterns), one)

    file = tmp_path / "recipe.py"
    file.write_text(
        "from tests.train.worker import recipe\n"
        f"def get_config(arg=None):\n    return recipe(*{patterns!r})\n"
    )
    flags = [f"--config={file}", "--config.train.strategy.name=multi_worker"]
    run = f"--workdir={two.path}"
    killed = two_workers(run, *flags, victim=1, step=5, number=signal.SIGKILL)
    assert [code for code, *_ in killed] == [69, -signal.SIGKILL], killed
    assert "2 processes share by data" in killed[0][1]
    last = killed[0][1].splitlines()[-1]
    assert last.startswith("another process of this training ended or cannot be reached; ")
    assert "(Graph execution" not in last  # but what happened
    assert len(killed[1][1].splitlines()) == 2  # it waited for the others; its device
    assert position(two) == (1, 3)

    asked = two_workers(run, "--resume", victim=1, step=8, number=signal.SIGTERM)
    assert [(code, err) for code, _, err in asked] == [(75, ""), (75, "")]
    assert "interrupted; " in asked[0][1]
    assert position(two) == position(one) == (2, 8)
    assert {path.name for path in two.path.rglob("*")} == {p.name for p in one.path.rglob("*")}

    for name in ("last", "best"):
        weights = [load(folder.path, name).get_weights() for folder in (one, two)]
        for a, b in zip(*weights, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5 * np.abs(a).max())
    for first, second in zip(read_rows(one.results), read_rows(two.results), strict=True):
        assert first.keys() == second.keys()
        for key in first.keys() - set(COSTS):
            assert float(second[key]) == pytest.approx(float(first[key]), rel=1e-4, abs=1e-6), key
