"""TensorFlow without its start-up messages.

Its C++ libraries write to file descriptor 2 while they are imported, about oneDNN and missing GPU
drivers, whatever TF_CPP_MIN_LOG_LEVEL says. Those lines would bury a command's own.
"""

import importlib.abc
import importlib.util
import os
import sys

from yolo_tf.quiet import no_stderr

LEVEL, SILENT = "TF_CPP_MIN_LOG_LEVEL", "3"


def quiet_tensorflow() -> None:
    """Makes the first import of TensorFlow, whoever does it, a silent one.

    Where TF_CPP_MIN_LOG_LEVEL says less than 3, its user wants the messages: nothing is done.
    """
    if "tensorflow" in sys.modules or os.environ.get(LEVEL, SILENT) != SILENT:
        return
    os.environ[LEVEL] = SILENT  # for what comes after the import
    sys.meta_path.insert(0, _Finder())


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
