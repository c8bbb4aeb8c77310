"""Files that are whole or not there: written under another name, then renamed."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: no two processes are kept apart there
    fcntl = None


@contextlib.contextmanager
def replacing(path) -> Iterator[Path]:
    """Gives a temporary path in the same folder; it takes `path`'s name when the block succeeds.

    If the block raises, what it wrote is removed and an older file at `path` stays as it was.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def try_lock(file: IO) -> bool:
    """Takes the lock on an open file that ends with this process, however that ends.

    Returns:
      False if another process has it.
    """
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_text(path, text: str) -> None:
    """Writes UTF-8 text as `replacing` does."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_lines(path, lines: list[str]) -> None:
    """Writes a line of UTF-8 text for each item, as `replacing` does."""
    write_text(path, "".join(f"{line}\n" for line in lines))
