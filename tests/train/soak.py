"""A script: kills trainings with SIGKILL at random moments, resumes them, compares their ends.

  python -m tests.train.soak WORK_FOLDER --kills=20

Half of the kills strike at any moment of a process, half while a checkpoint is being written. A
training that came to its end in spite of them must have the bits of one that nobody disturbed:
weights, optimiser, averages, and all rows of results.csv but their times. Prints a line of JSON
for each kill.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.small import add_micro, small_config
from yolo_tf.data.build.build import build
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.shapes import ShapesSource
from yolo_tf.runs import checkpoint, results
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train import progress
from yolo_tf.train.loop import train

EPOCHS = 6


def soak(work: Path, kills: int, seed: int) -> int:
    """Trainings that were killed `kills` times in all, and ended as they should."""
    for split, images in (("train", 24), ("val", 8)):
        source = ShapesSource(Options(split=split, images=images, size=(96, 96)))
        build(source, work / "records", "shapes", split, shards=2)
    undisturbed = RunFolder(work / "undisturbed")
    started = time.monotonic()
    process = start(work, undisturbed)
    process.join()
    assert process.exitcode == 0, f"{undisturbed.path}: the training failed"
    whole = time.monotonic() - started
    dice, killed, runs = random.Random(seed), 0, 0
    while killed < kills:
        run = RunFolder(work / f"run{runs}")
        while True:
            process = start(work, run)
            if killed < kills:
                seen = kill(process, run, dice, whole)
            process.join()
            if process.exitcode == -signal.SIGKILL:
                killed += 1
                print(json.dumps({"kill": killed, "run": runs, **seen}), flush=True)
            else:
                assert process.exitcode == 0, f"{run.path}: the training failed by itself"
                break
        assert_same(run, undisturbed)
        runs += 1
    return runs


def start(work: Path, run: RunFolder) -> multiprocessing.Process:
    """A process that trains, or goes on where the last one was killed."""
    # Forked from this one, which has imported TensorFlow and computed nothing: that is quick.
    process = multiprocessing.get_context("fork").Process(target=work_on, args=(work, run))
    process.start()
    return process


def work_on(work: Path, run: RunFolder) -> None:
    with (
        (work / f"{run.path.name}.log").open("a", buffering=1) as log,
        pytest.MonkeyPatch.context() as patch,
    ):
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        add_micro(patch)
        patch.setattr(progress, "plot_results", lambda *_: None)  # a second of each process
        resume = last_checkpoint(run) is not None
        train(run.read_recipe()[0] if resume else recipe(work), run, resume)


def recipe(work: Path):
    patterns = (f"{work}/records/shapes-{split}.tfrecord-*" for split in ("train", "val"))
    config = small_config(*patterns, epochs=EPOCHS)
    config.model.name = "micro"
    config.train.averages.decay = 0.9
    config.train.tensorboard = False
    return config


def kill(process, run: RunFolder, dice: random.Random, whole: float) -> dict:
    """Kills a training that takes `whole` seconds if left alone, and tells where it was."""
    if dice.random() < 0.5:
        process.join(dice.uniform(0, whole))
    else:
        wait_for_writing(process, run, which=dice.randint(1, 3))
        time.sleep(dice.uniform(0, 0.03))
    process.kill()
    process.join()
    return {"last": last_checkpoint(run), "half_written": half_written(run)}


def wait_for_writing(process, run: RunFolder, which: int) -> None:
    """Until the process writes its checkpoint number `which`, or ends."""
    seen = set()
    while process.is_alive() and len(seen | {*half_written(run)}) < which:
        seen |= {*half_written(run)}
        time.sleep(0.0005)


def last_checkpoint(run: RunFolder) -> str | None:
    file = run.checkpoints / f"{checkpoint.LAST}.json"
    return file.read_text() if file.exists() else None


def half_written(run: RunFolder) -> list[str]:
    return [path.name for path in run.checkpoints.glob(".*")]


def assert_same(run: RunFolder, other: RunFolder) -> None:
    for name in (checkpoint.LAST, checkpoint.BEST):
        a, b = (variables(checkpoint.find(r.checkpoints, name)) for r in (run, other))
        assert a.keys() == b.keys()
        for key in a:
            np.testing.assert_array_equal(a[key], b[key], err_msg=f"{run.path}: {name}: {key}")
    rows = [
        [
            {k: v for k, v in row.items() if k not in progress.COSTS}
            for row in results.read_rows(r.results)
        ]
        for r in (run, other)
    ]
    assert rows[0] == rows[1], f"{run.path}: results.csv differs"


def variables(path: Path) -> dict:
    reader = tf.train.load_checkpoint(str(path / checkpoint.VARIABLES))
    names = reader.get_variable_to_shape_map()
    return {n: reader.get_tensor(n) for n in names if not n.startswith("_CHECKPOINTABLE")}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    runs = soak(given.work, given.kills, given.seed)
    print(json.dumps({"kills": given.kills, "trainings": runs, "all_bits_equal": True}))
