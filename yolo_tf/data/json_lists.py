"""The lists of a large JSON file, item by item: memory does not grow with the file."""

import json
from collections.abc import Iterator
from pathlib import Path

_CHUNK = 1 << 20  # bytes
_DECODER = json.JSONDecoder()
_IN_NUMBERS = "0123456789.eE+-"
_BOM = b"\xef\xbb\xbf"

Place = tuple[int, int]  # first byte, number of bytes


def json_lists(path: str | Path) -> Iterator[tuple[str, Place | None, object]]:
    """Yields what an object in a JSON file has.

    Yields:
      (key, None, value) for a value that is no list; for a list (key, None, []), then
      (key, place in the file, item) for each of its items. Nothing for another document.

    Raises:
      OSError, ValueError, RecursionError: not readable, no JSON of UTF-8, nested too deeply.
    """
    with Path(path).open("rb") as file:
        text = _Text(file)
        if text.next() == "{":
            text.skip("{")
            while not text.ends("}"):
                if text.next() != '"':
                    raise text.error("Expecting a property name")
                key, _ = text.value()
                text.skip(":")
                yield from _values(text, key)
        else:
            text.value()
        if text.next():
            raise text.error("Extra data")


def read_place(file, place: Place):
    """The item at a place, of a file opened in binary mode. Raises as `json_lists` does."""
    file.seek(place[0])
    return json.loads(file.read(place[1]))


def _values(text: "_Text", key: str):
    if text.next() != "[":
        yield key, None, text.value()[0]
        return
    text.skip("[")
    yield key, None, []
    while not text.ends("]"):
        item, place = text.value()
        yield key, place, item


class _Text:
    """A window on a file, a character for each byte, so that positions are those of bytes."""

    def __init__(self, file):
        self._file = file
        head = file.read(_CHUNK)
        self._base = len(_BOM) if head.startswith(_BOM) else 0  # place of the window in the file
        self._window = head[self._base :].decode("latin-1")
        self._at = 0
        self._first = True  # in an object or list: no comma yet

    def next(self) -> str:
        """The next character that is no space; "" at the end of the file."""
        while True:
            while self._at < len(self._window):
                if self._window[self._at] not in " \t\n\r":
                    return self._window[self._at]
                self._at += 1
            if not self._grow(_CHUNK):
                return ""

    def skip(self, expected: str) -> None:
        if self.next() != expected:
            raise self.error(f"Expecting '{expected}'")
        self._at += 1
        self._first = expected in "{["

    def ends(self, closing: str) -> bool:
        """Steps over the end of an object or list, or over the comma before its next part."""
        if self.next() == closing:
            self._at += 1
            self._first = False
            return True
        if not self._first:
            self.skip(",")
        self._first = False
        return False

    def value(self) -> tuple[object, Place]:
        self.next()
        size = _CHUNK
        while True:
            try:
                value, end = _DECODER.raw_decode(self._window, self._at)
                goes_on = self._window[end : end + 1] in _IN_NUMBERS  # or it may, at the end
                if not goes_on or not self._grow(size):
                    break
            except json.JSONDecodeError as error:
                if not self._grow(size):
                    raise self.error(error.msg) from None
            size *= 2
        start, part = self._at, self._window[self._at : end]
        self._at = end
        if not part.isascii():
            value = json.loads(part.encode("latin-1"))
        return value, (self._base + start, end - start)

    def error(self, problem: str) -> ValueError:
        return ValueError(f"{problem}: byte {self._base + self._at}")

    def _grow(self, size: int) -> bool:
        more = self._file.read(size)
        self._window = self._window[self._at :] + more.decode("latin-1")
        self._base += self._at
        self._at = 0
        return bool(more)
