"""Where a COCO JSON file has its images and annotations.

The file is read once, item by item, and places are noted, 12 bytes an annotation; the entries are
read again image by image. As Python objects, a million annotations with their polygons would fill
gigabytes.
"""

import json
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from yolo_tf.data import checks
from yolo_tf.errors import UserError

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


_LISTS = ("images", "annotations", "categories")


class CocoIndex:
    """`ids` of the images as text, in the order of the file, and `categories` as they stand."""

    def __init__(self, path: Path):
        """Reads the file.

        Raises:
          UserError: no JSON, one of the three lists is missing or has other things than objects,
            no image, or an image without an id of its own.
        """
        self._path = path
        self.categories: list[dict] = []
        self.used_categories: set = set()  # ids that annotations name
        self._image_of: dict[str, int] = {}  # id -> position in the list of images
        self._images, self._annotations = _Places(), _Places()
        owners, numbers = array("q"), {}  # of each annotation, the number of its image_id
        for part, place, item in self._entries():
            if part == "categories":
                self.categories.append(item)
            elif part == "images":
                self._add_image(item, place)
            else:
                self._annotations.append(place)
                if type(key := item.get("category_id")) in (int, str):
                    self.used_categories.add(key)
                owners.append(numbers.setdefault(str(item.get("image_id")), len(numbers)))
        if not self._image_of:
            raise UserError(f"{path}: images: found none, expected at least one")
        self.ids = list(self._image_of)
        image_of = np.array([self._image_of.get(key, -1) for key in numbers], np.int32)
        images = image_of[np.array(owners, np.int64)] if owners else np.zeros(0, np.int32)
        self._order = np.argsort(images, kind="stable").astype(np.int32)
        self._sorted = images[self._order]  # -1 first: annotations of no image

    def image(self, source_id: str) -> dict:
        """The entry of an image. Raises as `annotations` does."""
        with self._path.open("rb") as file:
            return read_place(file, self._images[self._image_of[source_id]])

    def annotations(self, source_id: str | None) -> Iterator[tuple[int, dict]]:
        """Yields (position in the list, entry) of an image's annotations; None: of those of none.

        Raises:
          OSError, ValueError: the file has changed since it was indexed.
        """
        image = -1 if source_id is None else self._image_of[source_id]
        first, end = np.searchsorted(self._sorted, [image, image + 1])
        if first == end:
            return
        with self._path.open("rb") as file:
            for position in self._order[first:end].tolist():
                yield position, read_place(file, self._annotations[position])

    def _entries(self) -> Iterator[tuple[str, Place, dict]]:
        there = set()
        try:
            for key, place, item in json_lists(self._path):
                if key not in _LISTS:
                    continue
                if place is None:
                    self._check_list(key, item, there)
                elif isinstance(item, dict):
                    yield key, place, item
                else:
                    found = "found an entry that is no object, expected all"
                    raise UserError(f"{self._path}: {key}: {found}")
        except (OSError, ValueError, RecursionError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{self._path}: not readable as JSON: {error}") from None
        for key in _LISTS:
            if key not in there:
                self._check_list(key, None, there)

    def _check_list(self, key: str, value, there: set[str]) -> None:
        if not isinstance(value, list):
            found = type(value).__name__ if value is not None else "nothing"
            raise UserError(f"{self._path}: {key}: found {found}, expected a list (COCO instances)")
        if key in there:
            raise UserError(f"{self._path}: {key}: found a second time, expected it once")
        there.add(key)

    def _add_image(self, item: dict, place: Place) -> None:
        key, position = item.get("id"), len(self._image_of)
        if type(key) not in (int, str) or not str(key).isprintable():
            raise UserError(
                f"{self._path}: images[{position}].id: found {checks.show(key)}, "
                "expected a whole number or text"
            )
        if str(key) in self._image_of:
            raise UserError(
                f"{self._path}: images[{position}].id: found {key} a second time, "
                "expected every id once"
            )
        self._image_of[str(key)] = position
        self._images.append(place)


class _Places:
    """Many places in a file."""

    def __init__(self):
        self._starts, self._sizes = array("Q"), array("L")

    def append(self, place: Place) -> None:
        self._starts.append(place[0])
        self._sizes.append(place[1])

    def __getitem__(self, index: int) -> Place:
        return self._starts[index], self._sizes[index]
