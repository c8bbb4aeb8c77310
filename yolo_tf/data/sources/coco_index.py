"""Where a COCO JSON file has its images and annotations.

The file is read once and places are noted, 12 bytes an annotation; the entries are read again image
by image. As Python objects, a million annotations with their polygons would fill gigabytes.
"""

from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from yolo_tf.data import checks
from yolo_tf.data.json_lists import Place, json_lists, read_place
from yolo_tf.errors import UserError

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
        self._image_of: dict[str, int] = {}  # id -> position in the list of images
        self._images, self._annotations = _Places(), _Places()
        owners, numbers = array("q"), {}  # of each annotation, the number of its image_id
        for key, place, item in self._entries():
            if key == "categories":
                self.categories.append(item)
            elif key == "images":
                self._add_image(item, place)
            else:
                self._annotations.append(place)
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
                "expected a number or text"
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
