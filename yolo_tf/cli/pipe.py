"""`COMMAND | head` is no mistake: the reader has what it wants."""

import contextlib
import os
import sys

_CLOSED = 141  # as a shell says of a program that SIGPIPE ended


@contextlib.contextmanager
def readers_may_leave():
    """Ends the process without a word when nobody reads its output any more."""
    try:
        try:
            yield
        finally:
            if sys.stdout:  # None where the shell has closed it
                sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_CLOSED)
