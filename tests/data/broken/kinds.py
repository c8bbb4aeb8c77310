"""What a kind of broken input is, and ways to break a file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Broken:
    """One kind of broken input: a way to spoil a good data set, and what is said of it."""

    spoil: Callable[[Path], object]
    line: str  # what the user reads, DATA standing for the folder
    left: tuple[int, int] | None = None  # images, boxes with --skip_bad; None: refused even so
    split: str = "train"
    stops: bool = True  # without --skip_bad; if not, it is listed alone


def cut(file: str, count: int):
    """Takes bytes off the end of a file; all but `-count` of them if that is negative."""

    def spoil(root):
        data = (root / file).read_bytes()
        (root / file).write_bytes(data[:-count])

    return spoil


def write(file: str, content: str | bytes):
    def spoil(root):
        data = content if isinstance(content, bytes) else content.encode()
        (root / file).write_bytes(data)

    return spoil


def remove(file: str):
    return lambda root: (root / file).unlink()


def rename(file: str, name: str):
    return lambda root: (root / file).rename(root / name)


def replace(file: str, old: str, new: str):
    """Another text in the place of the first `old`."""

    def spoil(root):
        text = (root / file).read_text()
        assert old in text
        (root / file).write_text(text.replace(old, new, 1))

    return spoil


def folder(file: str):
    """A folder where a file should be."""

    def spoil(root):
        (root / file).unlink()
        (root / file).mkdir()

    return spoil
