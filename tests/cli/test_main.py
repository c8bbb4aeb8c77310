"""The dispatcher of the installed command."""

import importlib.util
import subprocess
import sys
import types
from pathlib import Path

import pytest

from yolo_tf.cli import main as dispatcher
from yolo_tf.cli.common import as_started

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def command(monkeypatch):
    """A command "probe" that records the arguments it was run with."""
    seen = []
    module = types.ModuleType("yolo_tf_probe")
    module.entry = lambda: seen.append(list(sys.argv))
    monkeypatch.setitem(sys.modules, "yolo_tf_probe", module)
    monkeypatch.setitem(dispatcher.COMMANDS, "probe_it", ("yolo_tf_probe", "records"))
    return seen


def _run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["yolo-tf", *arguments])
    dispatcher.main()


@pytest.mark.parametrize("name", ["probe_it", "probe-it"])
def test_runs_the_command_with_its_arguments(monkeypatch, command, name):
    _run(monkeypatch, name, "--a=1", "--help")
    assert command == [["yolo-tf probe_it", "--a=1", "--help"]]


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_help_lists_every_command(monkeypatch, capsys, arguments):
    _run(monkeypatch, *arguments)
    out = capsys.readouterr().out
    for name, (_, text) in dispatcher.COMMANDS.items():
        assert any(line.split()[:1] == [name] and text in line for line in out.splitlines())


def test_help_and_messages_name_the_command_as_it_was_started(monkeypatch):
    text = "see scripts/train.py --config=configs/yolo_n.py --output=recipes/cells.py"
    monkeypatch.setattr(sys, "argv", ["scripts/train.py"])
    assert as_started(text) == text
    monkeypatch.setattr(sys, "argv", ["/usr/bin/yolo-tf train"])
    assert as_started(text) == "see yolo-tf train --config=yolo_n --output=recipes/cells.py"


def test_version_names_what_a_report_needs():
    done = subprocess.run(
        [sys.executable, "-m", "yolo_tf", "--version"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    for name in ("yolo_tf ", "tensorflow 2.", "numpy ", "Python 3."):
        assert name in done.stdout


@pytest.mark.parametrize(
    ("typed", "meant"), [("trian", "train"), ("Evaluate", "evaluate"), ("build-records", "build_")]
)
def test_unknown_command_names_the_nearest(monkeypatch, typed, meant):
    with pytest.raises(SystemExit) as exit_info:
        _run(monkeypatch, typed)
    message = exit_info.value.code  # a text: Python prints it and exits with 1
    assert message.startswith(f"error: {typed!r} is not a command")
    assert f"did you mean '{meant}" in message


def test_unknown_command_without_a_near_one_lists_all(monkeypatch):
    with pytest.raises(SystemExit, match=", ".join(dispatcher.COMMANDS)):
        _run(monkeypatch, "zzz")


def test_every_command_is_there():
    for module, _ in dispatcher.COMMANDS.values():
        assert importlib.util.find_spec(module), f"{module} is missing"


def test_help_does_not_import_tensorflow():
    code = (
        "import sys; from yolo_tf.cli import main; main.main();"
        "sys.exit('tensorflow' in sys.modules or 'tf_keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_exit_code_and_stderr_of_an_unknown_command():
    done = subprocess.run(
        [sys.executable, "-m", "yolo_tf.cli.main", "trian"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "error: 'trian' is not a command of yolo-tf; did you mean 'train'?"
    ]
