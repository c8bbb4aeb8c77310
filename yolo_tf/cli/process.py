"""The process of a command: quiet while TensorFlow starts, and content when its reader leaves.

TensorFlow's C++ libraries write to file descriptor 2 while they are imported, about oneDNN and
missing GPU drivers, whatever TF_CPP_MIN_LOG_LEVEL says. Those lines would bury a command's own.
"""

import contextlib
import importlib.abc
import importlib.util
import os
import sys

from yolo_tf.files import cause, no_stderr

LEVEL, SILENT = "TF_CPP_MIN_LOG_LEVEL", "3"


def quiet_tensorflow() -> None:
    """Makes the first import of TensorFlow, whoever does it, a silent one.

    Where TF_CPP_MIN_LOG_LEVEL says less than 3, its user wants the messages: nothing is done.
    """
    if "tensorflow" in sys.modules or os.environ.get(LEVEL, SILENT) != SILENT:
        return
    os.environ[LEVEL] = SILENT  # for what comes after the import
    sys.meta_path.insert(0, _Finder())


def open_streams() -> None:
    """Opens what a shell closed (`2>&-`), and lets any text be printed.

    Else the next file that is opened would be stderr, to which C++ libraries write.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - open until the end
    if hasattr(sys.stdout, "reconfigure"):  # of names of files that are no UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds "tensorflow" as usual, but runs its code with stderr closed."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_silently(module):
                with no_stderr():
                    execute(module)

            spec.loader.exec_module = execute_silently
        return spec


_CLOSED = 141  # as a shell says of a program that SIGPIPE ended


@contextlib.contextmanager
def readers_may_leave():
    """Ends the process without a word when nobody reads its output any more.

    Where the output cannot be written (a file on a full disk), one line says so.
    """
    try:
        try:
            yield
        finally:
            if sys.stdout:  # None where the shell has closed it
                sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        sys.exit(_CLOSED)
    except OSError as error:
        _drop_output()
        if not getattr(error.__context__, "code", None):  # else an error was said already
            print(f"error: standard output: {cause(error)}", file=sys.stderr)
        sys.exit(1)


def _drop_output() -> None:
    """What is still to be written goes nowhere; Python would try it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
