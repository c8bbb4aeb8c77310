"""What a training survives: signals, damaged files, losses that are not finite, a second run."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.train.runs import assert_same_end, at_step, copy, events, resume, scalars
from yolo_tf.errors import UserError
from yolo_tf.loading import load
from yolo_tf.runs import checkpoint
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train import training
from yolo_tf.train.interruption import Interrupted
from yolo_tf.train.loop import train

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("no_pictures")]


def test_sigterm_saves_and_the_rest_follows(recipe, straight, tmp_path, monkeypatch):
    """Within the first epoch, at its end, and in the second."""
    run = RunFolder(tmp_path / "run")
    begin, again = (lambda: train(recipe(val=True), run)), (lambda: resume(run))
    for step, start in ((2, begin), (3, again), (5, again)):
        with monkeypatch.context() as patch:
            at_step(patch, step, lambda _: os.kill(os.getpid(), signal.SIGTERM))
            with pytest.raises(Interrupted, match="--resume continues from it") as caught:
                start()
        assert checkpoint.read_state(caught.value.path).step == step
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    resume(run)
    assert_same_end(run, straight)


def test_a_damaged_newest_checkpoint_falls_back(straight, tmp_path, capsys):
    run = copy(straight, tmp_path)
    data = run.checkpoints / "epoch-0002" / "variables.data-00000-of-00001"
    damaged = bytearray(data.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    data.write_bytes(damaged)
    resume(run)
    out = capsys.readouterr().out
    assert "epoch-0002: named by last.json, but variables.data-00000-of-00001 is damaged" in out
    assert "epoch-0001 takes its place" in out
    assert_same_end(run, straight)
    for tag in ("training/loss", "figures/AP"):  # epoch 2 once, though it was trained twice
        assert scalars(events(run.tensorboard), tag) == scalars(events(straight.tensorboard), tag)


def test_rollback(recipe, tmp_path, monkeypatch, capsys):
    """Spoilt once, in the second epoch: half the rate from the first one's checkpoint on."""
    spoilt = []

    def spoil(model):
        if not spoilt:
            spoilt.append(True)
            kernel = model.network.get_layer("output_conv_016").kernel
            kernel.assign(kernel * np.nan)

    run = RunFolder(tmp_path / "run")
    at_step(monkeypatch, 4, spoil)
    train(recipe(on_non_finite="rollback"), run)
    out = capsys.readouterr().out
    assert "the loss is nan" in out
    assert "rolled back to" in out
    assert "epoch-0001; the learning rate is halved (1 of at most 3 times)" in out
    state = checkpoint.read_state(checkpoint.find(run.checkpoints, "last"))
    assert (state.epoch, state.step, state.rollbacks) == (2, 6, 1)
    assert all(np.isfinite(w).all() for w in load(run.path, "last").get_weights())


def test_rollbacks_have_an_end(recipe, tmp_path, monkeypatch, capsys):
    def spoil(model):
        kernel = model.network.get_layer("output_conv_016").kernel
        kernel.assign(kernel * np.nan)

    run = RunFolder(tmp_path / "run")
    at_step(monkeypatch, 4, spoil)
    monkeypatch.setattr(training, "MOST_ROLLBACKS", 1)  # each of them is a training
    with pytest.raises(UserError, match="the loss is nan"):
        train(recipe(on_non_finite="rollback"), run)
    assert capsys.readouterr().out.count("rolled back to") == 1
    assert checkpoint.read_state(checkpoint.find(run.checkpoints, "last")).epoch == 1


def test_a_second_run_into_the_folder_is_refused(recipe, tmp_path):
    run = RunFolder(tmp_path / "run")
    code = (
        "import sys; from yolo_tf.runs.folder import RunFolder\n"
        f"with RunFolder({str(run.path)!r}).locked(): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=f"process {other.pid} on .* is writing into it"):
            train(recipe(), run)
    finally:
        other.kill()
        other.wait()
    with run.locked():  # free again, though nobody gave it back
        pass


def test_a_full_disk(straight, tmp_path):
    """The system refuses files above a size; the last checkpoint stays and is named."""
    run = copy(straight, tmp_path)
    code = (
        "import resource, signal, sys\n"
        "from yolo_tf.errors import UserError\n"
        "from yolo_tf.runs import checkpoint\n"
        "import tensorflow as tf\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))\n"
        "try:\n"
        "    checkpoint.save(__import__('pathlib').Path(sys.argv[1]),\n"
        "        {'network': tf.train.Checkpoint(v=tf.Variable(tf.zeros([1 << 20])))},\n"
        "        checkpoint.State(epoch=3))\n"
        "except UserError as error:\n"
        "    print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, run.checkpoints], capture_output=True, text=True, check=True
    )
    assert "epoch-0003: cannot be written: " in found.stdout
    assert f"the last good checkpoint is {run.checkpoints / 'epoch-0002'}" in found.stdout
    names = {path.name for path in run.checkpoints.iterdir()}
    assert names == {"epoch-0001", "epoch-0002", "last.json", "best.json"}
