"""Files that are whole or not there, locks, and other small dealings with the operating system."""

import contextlib
import ctypes
import errno
import gc
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from yolo_tf.errors import UserError

try:
    import fcntl
except ImportError:  # Windows: no two processes are kept apart there
    fcntl = None


_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Causes as TensorFlow and HDF5 write them, which have no `errno`.
_FULL_WORDS = ("no space left", "file too large", "quota exceeded")
_WORDS = (*_FULL_WORDS, "read-only file system", "permission denied", "is a directory")
_LONGEST_NAME = 200  # bytes; file systems take 255, and a temporary name is longer
_REMEMBERED = 1000
_CHUNK = 1 << 22  # bytes

_written: dict[str, None] = {}  # what this process has written, in its order
_held: dict[tuple[int, int], int] = {}  # device and inode of a folder -> its open descriptor


class WriteError(UserError):
    """A file or folder that cannot be written; the message has its path and the cause."""


def is_refusal(error: Exception) -> bool:
    """Whether an error is a disk's or a file system's, of whichever library it comes."""
    text = str(error).lower()
    return isinstance(error, OSError) or any(word in text for word in _WORDS)


def cause(error: Exception) -> str:
    """Why a file could not be read or written, in a few words."""
    if isinstance(error, OSError) and error.errno:
        full = error.errno in _FULL
        return "no space left on the disk" if full else os.strerror(error.errno)
    text = str(error).partition("\n")[0]
    full = any(word in text.lower() for word in _FULL_WORDS)
    return "no space left on the disk" if full else text


def shown(path) -> str:
    """A path for a message: not endless."""
    text = str(path)
    return text if len(text) <= 300 else f"{text[:147]}...{text[-150:]}"


@contextlib.contextmanager
def writing(path, temporary=None) -> Iterator[None]:
    """Raises `WriteError`, with this path, for what the block cannot write.

    An error that names another file than `path` or `temporary` passes: it is of reading. Of a
    folder, what lies in it counts too.
    """
    try:
        yield
    except (UserError, BrokenPipeError):
        raise
    except Exception as error:
        named = getattr(error, "filename", None)
        places = {Path(os.fsdecode(named)), *Path(os.fsdecode(named)).parents} if named else set()
        ours = not named or not places.isdisjoint({Path(path), Path(temporary or path)})
        if not ours or not is_refusal(error):
            raise
        raise WriteError(f"{shown(path)}: cannot be written: {cause(error)}") from None


def cache_folder() -> Path:
    """Where files that can be had again are kept: ~/.cache/yolo_tf, or below XDG_CACHE_HOME."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "yolo_tf"


@contextlib.contextmanager
def replacing(path) -> Iterator[Path]:
    """Gives a temporary path in the same folder; it takes `path`'s name when the block succeeds.

    If the block raises, what it wrote is removed and an older file at `path` stays as it was.

    Raises:
      WriteError: the disk is full, the name is a folder's, ...
    """
    path = Path(path)
    temporary = path.with_name(f".{_short(path.name)}.{os.getpid()}.tmp")
    with writing(path, temporary):
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(OSError):  # the error of the block says more
                temporary.unlink(missing_ok=True)
    if len(_written) < _REMEMBERED:
        _written[str(path)] = None


def written() -> list[str]:
    """Files that this process wrote and that are still there, the first thousand."""
    return [path for path in _written if os.path.exists(path)]


def _short(name: str) -> str:
    encoded = os.fsencode(name)
    if len(encoded) <= _LONGEST_NAME or len(encoded) > 255:  # the latter is refused by its own name
        return name
    return f"{zlib.crc32(encoded):08x}"


def try_lock(file: IO | int) -> bool:
    """Takes the lock on an open file (or descriptor); it ends with this process, however that ends.

    Returns:
      False if another process has it.
    """
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
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


def hold_folder(folder: Path) -> bool:
    """Takes the lock on an existing folder until this process ends; leaves no file in it.

    Returns:
      False if another process has it.
    """
    found = os.stat(folder)
    key = found.st_dev, found.st_ino
    if not fcntl or key in _held:
        return True
    handle = os.open(folder, os.O_RDONLY)
    if not try_lock(handle):
        os.close(handle)
        return False
    _held[key] = handle  # stays open, and with it the lock
    return True


def write_bytes(path, data: bytes) -> None:
    """Writes bytes as `replacing` does, and looks whether all of them are there."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)
        if temporary.stat().st_size != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def size_and_sum(path: Path) -> list[int]:
    """[bytes, CRC-32] of a file."""
    total = size = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total, size = zlib.crc32(chunk, total), size + len(chunk)
    return [size, total]


def write_text(path, text: str) -> None:
    """Writes UTF-8 text as `replacing` does; bytes of a name that are no UTF-8 become "?"."""
    write_bytes(path, text.encode("utf-8", errors="replace"))


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


def markdown_table(
    titles: list[str], rows: list[list[str]], escape: Callable[[str], str] | None = None
) -> list[str]:
    """The lines of a table whose columns are as wide as their widest cell.

    Args:
      escape: makes a text a cell; None: a bar in it is escaped, as is enough on a terminal.
    """
    escape = escape or (lambda text: text.replace("|", r"\|"))
    cells = [[escape(text) for text in row] for row in [titles, *rows]]
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
