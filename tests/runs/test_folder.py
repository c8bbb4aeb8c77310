"""The folder of a run."""

import os

import pytest

from tests.small import small_config
from yolo_tf.errors import UserError
from yolo_tf.runs.folder import RunFolder

NAMES = ["red cell", "größe", "a\u00a0b"]


def test_config_and_classes_come_back(tmp_path):
    run = RunFolder(tmp_path / "runs" / "new")
    run.create(small_config("a*"), NAMES)
    assert run.read_recipe() == (small_config("a*"), NAMES)
    assert sorted(p.name for p in run.path.iterdir()) == [
        "checkpoints",
        "classes.txt",
        "config.yaml",
    ]


def test_a_run_with_a_checkpoint_is_not_overwritten(tmp_path):
    run = RunFolder(tmp_path)
    run.create(small_config(), NAMES)
    (run.checkpoints / "last.json").write_text("{}")
    for call in (run.check_new, lambda: run.create(small_config(), NAMES)):
        with pytest.raises(UserError, match="holds a run already; continue it with --resume"):
            call()


def test_a_run_that_never_had_a_checkpoint_may_be_made_again(tmp_path):
    run = RunFolder(tmp_path)
    run.create(small_config(epochs=3), NAMES)
    run.results.write_text("epoch\n1\n")
    run.create(small_config(epochs=5), NAMES)
    assert run.read_recipe()[0].train.epochs == 5
    assert not run.results.exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--workdir=.*file/run: cannot be made: Not a directory"):
        RunFolder(tmp_path / "file" / "run").create(small_config(), NAMES)


def test_no_run_folder(tmp_path):
    with pytest.raises(UserError, match=r"no run folder \(it has no config\.yaml\)"):
        RunFolder(tmp_path).read_recipe()
    run = RunFolder(tmp_path / "run")
    run.create(small_config(), NAMES)
    (run.path / "classes.txt").unlink()
    with pytest.raises(UserError, match=r"classes\.txt: not readable"):
        run.read_recipe()


def test_a_path_that_is_no_utf8():
    with pytest.raises(UserError, match="the path is not UTF-8, as TensorFlow needs it"):
        RunFolder(os.fsdecode(b"runs/caf\xe9"))
