"""Silence for libraries that write to file descriptor 2 what nobody asked for."""

import contextlib
import os
import sys


@contextlib.contextmanager
def no_stderr():
    """Drops what is written to file descriptor 2; exceptions pass, so a traceback is not lost."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
