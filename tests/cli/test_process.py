"""Silence while TensorFlow is imported, and only then."""

import importlib
import os
import sys

import pytest

from yolo_tf.cli import process


@pytest.fixture
def noisy(monkeypatch, tmp_path):
    """A module "tensorflow" that writes to file descriptor 2, as C++ does."""

    def make(last_line):
        code = f"import os\nos.write(2, b'noise')\n{last_line}\n"
        (tmp_path / "tensorflow.py").write_text(code)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
        monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "")  # so that the code's own is undone
        monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")

    return make


@pytest.mark.parametrize("level", [None, "3"])
def test_the_import_is_silent_and_what_follows_is_not(level, noisy, capfd, monkeypatch):
    noisy("value = 3")
    if level:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    process.quiet_tensorflow()
    assert importlib.import_module("tensorflow").value == 3
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"
    os.write(2, b"ours")
    assert capfd.readouterr().err == "ours"


def test_an_import_that_fails_is_no_secret(noisy, capfd):
    noisy("raise ImportError('no such library')")
    process.quiet_tensorflow()
    with pytest.raises(ImportError, match="no such library"):
        importlib.import_module("tensorflow")
    os.write(2, b"ours")
    assert capfd.readouterr().err == "ours"


def test_who_sets_the_level_gets_the_messages(noisy, capfd, monkeypatch):
    noisy("value = 3")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    process.quiet_tensorflow()
    importlib.import_module("tensorflow")
    assert capfd.readouterr().err == "noise"
