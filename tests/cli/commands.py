"""Commands run as people run them, but inside the test's process: no import of TensorFlow each."""

import importlib
import sys
from typing import NamedTuple

import pytest
from absl import flags

import yolo_tf.cli

_SHARED = "data_flag"  # module of flags that several commands have


class Done(NamedTuple):
    code: int
    out: str
    err: str

    def error(self) -> str:
        """The one line of a user's mistake."""
        assert self.code == 1, self
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("error: ")
        return lines[0].removeprefix("error: ")


@pytest.fixture
def command(monkeypatch, capsys):
    """Function (name, *arguments) -> Done; loads yolo_tf.cli.NAME with flags of its own."""
    before = set(flags.FLAGS)
    loaded = []

    def clear():
        # Every command defines its flags when it is imported, some by the same name.
        for name in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, name)
        for module in (*loaded, f"yolo_tf.cli.{_SHARED}"):
            sys.modules.pop(module, None)
        if hasattr(yolo_tf.cli, _SHARED):
            delattr(yolo_tf.cli, _SHARED)
        loaded.clear()

    def run(name, *arguments):
        clear()
        loaded.append(f"yolo_tf.cli.{name}")
        sys.modules.pop(loaded[0], None)
        module = importlib.import_module(loaded[0])
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            module.entry()
        captured = capsys.readouterr()
        return Done(int(ended.value.code or 0), captured.out, captured.err)

    yield run
    clear()
