"""What tests do with the run folders of small trainings."""

import shutil

import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from yolo_tf.loading import load
from yolo_tf.runs import checkpoint
from yolo_tf.runs.folder import RunFolder
from yolo_tf.runs.results import read_rows
from yolo_tf.train.loop import train
from yolo_tf.train.progress import COSTS, Progress


def copy(run, tmp_path) -> RunFolder:
    return RunFolder(shutil.copytree(run.path, tmp_path / "copy"))


def resume(run, **settings):
    config = run.read_recipe()[0]
    for name, value in settings.items():
        setattr(config.train, name, value)
    train(config, run, resume=True)


def rows(run) -> list[dict]:
    return read_rows(run.results)


def last_state(run):
    return checkpoint.read_state(checkpoint.find(run.checkpoints, "last"))


def at_step(monkeypatch, step, act):
    """Calls `act` with the model when so many updates are done."""
    usual = Progress.on_train_batch_end

    def watch(self, batch, logs=None):
        usual(self, batch, logs)
        if int(self.model.optimizer.iterations) == step:
            act(self.model)

    monkeypatch.setattr(Progress, "on_train_batch_end", watch)


def assert_same_end(run, other):
    """All bits of the weights and all rows but their times."""
    for name in ("last", "best"):
        ours, theirs = (load(r.path, name).get_weights() for r in (run, other))
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
    timeless = [
        [{k: v for k, v in row.items() if k not in COSTS} for row in rows(r)] for r in (run, other)
    ]
    assert timeless[0] == timeless[1]


def events(folder) -> EventAccumulator:
    # Purging would hide steps that are there twice.
    found = EventAccumulator(str(folder), {"tensors": 0}, purge_orphaned_data=False)
    return found.Reload()


def scalars(found, tag) -> list[tuple[int, float]]:
    return [(e.step, tf.make_ndarray(e.tensor_proto).item()) for e in found.Tensors(tag)]
