"""Where a text file with a line for each box, or for each image, has the lines of an image.

The file is read once and places are noted, 16 bytes a line; lines are read again image by image.
"""

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from yolo_tf.errors import UserError

MAX_LINE = 1024 * 1024  # bytes


class RowIndex:
    """`images`: what the lines call their images, each once, in the order of the file."""

    def __init__(self, path: Path, image_of: Callable[[str, int], str | None], skip: int = 0):
        """Reads the file.

        Args:
          image_of: (line, its number from 1) -> the image that it is about; None: of none, passed
            over. May raise `UserError`.
          skip: lines at the beginning that are no rows.

        Raises:
          UserError: the file cannot be read, a line is no UTF-8 or too long.
        """
        self._path = path
        numbers: dict[str, int] = {}
        starts, lines, owners = array("Q"), array("L"), array("L")
        for start, number, line in _lines(path):
            if number <= skip or not line.strip():
                continue
            image = image_of(line, number)
            if image is None:
                continue
            starts.append(start)
            lines.append(number)
            owners.append(numbers.setdefault(image, len(numbers)))
        self.images = list(numbers)
        owner = np.array(owners, np.int64)
        order = np.argsort(owner, kind="stable")
        self._starts = np.array(starts, np.int64)[order]
        self._lines = np.array(lines, np.int64)[order]
        self._first = np.searchsorted(owner[order], np.arange(len(numbers) + 1))

    def rows(self, position: int) -> list[tuple[int, str]]:
        """(line number, line) of each row of an image.

        Raises:
          OSError, ValueError: the file has changed since it was indexed.
        """
        first, end = self._first[position], self._first[position + 1]
        found = []
        with self._path.open("rb") as file:
            for start, number in zip(
                self._starts[first:end].tolist(), self._lines[first:end].tolist(), strict=True
            ):
                file.seek(start)
                found.append((number, file.readline(MAX_LINE).decode().strip()))
        return found


def _lines(path: Path) -> Iterator[tuple[int, int, str]]:
    start, number = 0, 0
    try:
        with path.open("rb") as file:
            while data := file.readline(MAX_LINE + 1):
                number += 1
                if len(data) > MAX_LINE:
                    raise UserError(f"{path}: line {number}: found more than {MAX_LINE} bytes")
                bom = 3 if start == 0 and data.startswith(b"\xef\xbb\xbf") else 0
                yield start + bom, number, data[bom:].decode().strip()
                start += len(data)
    except OSError as error:
        raise UserError(f"{path}: not readable: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: line {number}: found bytes that are not UTF-8") from None
