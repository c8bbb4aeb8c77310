"""Files that are whole or not there, locks, and other small dealings with the operating system."""

import contextlib
import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: no two processes are kept apart there
    fcntl = None


_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


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


@contextlib.contextmanager
def alone_with(path) -> Iterator[None]:
    """Waits until no other process has this file, so that one may read it and write it anew."""
    lock = Path(path).with_name(f".{Path(path).name}.lock")
    file = _lock_of(lock) if fcntl else None
    try:
        yield
    finally:
        if file:
            lock.unlink(missing_ok=True)
            file.close()


def _lock_of(lock: Path) -> IO:
    while True:
        file = lock.open("w")
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(lock)):
                return file
        file.close()  # whoever had it removed the file meanwhile


def write_text(path, text: str) -> None:
    """Writes UTF-8 text as `replacing` does."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_lines(path, lines: list[str]) -> None:
    """Writes a line of UTF-8 text for each item, as `replacing` does."""
    write_text(path, "".join(f"{line}\n" for line in lines))


def free_memory() -> None:
    """Gives back what graphs that nobody has any more still hold.

    They are in reference cycles, each with copies of the weights: of `yolov3`, 250 MB of weights,
    writing a SavedModel leaves 6 GB, which the next format would come on top of.
    """
    gc.collect()
    if sys.platform == "linux":  # whose allocator keeps what is freed
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
        if trim is not None:
            trim(0)


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


def markdown(titles: list[str], rows: list[list[str]]) -> list[str]:
    """The lines of a table whose columns are as wide as their widest cell."""
    cells = [[text.replace("|", r"\|") for text in row] for row in [titles, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [[text.ljust(w) for text, w in zip(row, widths, strict=True)] for row in cells]
    lines.insert(1, ["-" * width for width in widths])
    return ["| " + " | ".join(line) + " |" for line in lines]


def csv_text(value) -> str:
    """A text as a cell of a CSV file, which no spreadsheet takes for a formula to run.

    One that begins as formulas do gets a quote in front.
    """
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text
