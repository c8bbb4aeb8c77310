"""CSV with a box a row: of the Object Detection API's tutorials, RetinaNet, Open Images, MakeSense.

Columns are known by their names, or, without a header, by their values. Corners are pixels; shares
of the sides where no value is above 1. A row without corners is an image without objects. Classes
are sorted by name, unless a `name,id` file of RetinaNet gives their order; without a column of
classes there is one, "object". Of Open Images only the images that lie in the folder count, since
its files name millions.
"""

import os
from pathlib import PurePosixPath

from yolo_tf.data import checks
from yolo_tf.data.records.class_list import say
from yolo_tf.data.sources.base import Entry, RawBox, no_box
from yolo_tf.data.sources.csv_columns import find_columns, split_row
from yolo_tf.data.sources.listing import Listing, is_image
from yolo_tf.data.sources.one_file import FileSource, Index, by_split
from yolo_tf.data.sources.row_index import RowIndex
from yolo_tf.errors import UserError


class CsvSource(FileSource):
    format = "csv"
    title = "CSV, a box a row"
    layout = "a CSV with columns such as filename,width,height,class,xmin,ymin,xmax,ymax"

    @staticmethod
    def find(listing: Listing) -> dict[str, str]:
        files = list(listing.files(".csv", ".tsv"))
        return by_split(listing, [f for f in files if find_columns(listing.lines(f))])

    @staticmethod
    def open(listing: Listing, file: str, split: str) -> Index:
        return _CsvIndex(listing, file)


class _CsvIndex(Index):
    def __init__(self, listing: Listing, file: str):
        path = listing.root / file
        self._columns = find_columns(listing.lines(file))
        if self._columns is None:
            raise UserError(f"{path}: expected {CsvSource.layout}")
        if "name" not in self._columns.places:
            say(f"{path}: no column of classes: all boxes are of one, 'object'")
        self._there = _stems(listing) if self._columns.open_images else None
        self._labels = _descriptions(listing) if self._columns.open_images else {}
        self._seen: set[str] = set()
        self._highest = 0.0
        self._rows = RowIndex(path, self._image_of, skip=int(self._columns.header))
        self._there, names = None, self._there
        self.images = self._rows.images
        if names is not None:
            self.images = [names[image] for image in self.images]
        self.names = sorted(self._seen)
        order = {} if self._labels else _class_order(listing)
        if self._seen and self._seen <= order.keys():
            self.names, self.in_order = sorted(order, key=order.get), True
        self._normalised = 0 < self._highest <= 1

    def entry(self, position: int) -> Entry:
        entry = Entry(normalised=self._normalised)
        for number, line in self._rows.rows(position):
            row = self._values(line)
            place, shown = f"line {number}", checks.show(line)
            if row is None:
                entry.boxes.append(no_box(place, shown, "as many values as columns"))
                continue
            size = checks.number(row.get("height")), checks.number(row.get("width"))
            if not self._normalised and all(value > 0 for value in size):
                entry.size = size
            texts = [row[key] for key in self._columns.corners]
            if not any(texts):
                continue
            corners = tuple(map(checks.number, texts))
            if self._columns.corners[2] == "w":
                corners = (*corners[:2], corners[0] + corners[2], corners[1] + corners[3])
            crowd, truncated = (row.get(key) == "1" for key in ("crowd", "truncated"))
            name, text = self._name(row), ", ".join(texts)
            box = RawBox(name, corners, place, checks.show(text), truncated=truncated, crowd=crowd)
            entry.boxes.append(box)
        return entry

    def _image_of(self, line: str, number: int) -> str | None:
        row = self._values(line)
        if row is None:
            return split_row(line, self._columns.delimiter)[0] if line else None
        if self._there is not None and row["image"] not in self._there:
            return None  # Open Images: not downloaded
        texts = [row[key] for key in self._columns.corners]
        if any(texts):
            self._seen.add(self._name(row))
            numbers = [checks.number(text) for text in texts]
            self._highest = max([self._highest, *(v for v in numbers if v == v)])
        return row["image"]

    def _values(self, line: str) -> dict[str, str] | None:
        row = split_row(line, self._columns.delimiter)
        places = self._columns.places
        if len(row) <= max(places.values()):
            return None
        return {key: row[at] for key, at in places.items()}

    def _name(self, row: dict[str, str]) -> str:
        name = row.get("name", "object")
        return self._labels.get(name, name)


def _stems(listing: Listing) -> dict[str, str]:
    """Names of all images below the folder, without suffix -> with it."""
    found = {}
    for path in listing.image_folders:
        names = filter(is_image, os.listdir(listing.root / path))
        found.update((PurePosixPath(name).stem, name) for name in sorted(names))
    return found


def _descriptions(listing: Listing) -> dict[str, str]:
    """Open Images: class codes such as /m/01g317 -> names."""
    for file in listing.files(".csv"):
        lines = listing.text(file).splitlines()
        rows = [split_row(line, ",") for line in lines[:3]]
        if rows and all(len(row) == 2 for row in rows) and rows[-1][0].startswith("/"):
            path = listing.root / file
            if path.stat().st_size > 1 << 24:
                raise UserError(f"{path}: found more than 16 MB, expected 'code,name' a line")
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            rows = (split_row(line, ",") for line in text.splitlines())
            return {row[0]: row[1] for row in rows if len(row) == 2 and row[1]}
    return {}


def _class_order(listing: Listing) -> dict[str, int]:
    """RetinaNet: class names -> numbers, of a CSV `name,id` that has 0, 1, 2 ... each once."""
    for file in listing.files(".csv"):
        rows = [split_row(line, ",") for line in listing.text(file).splitlines() if line.strip()]
        if rows and all(len(row) == 2 and row[1].isdecimal() for row in rows):
            order = {name: int(number) for name, number in rows}
            if sorted(order.values()) == list(range(len(rows))):
                return order
    return {}
