"""The list of Keras YOLO programs: a line an image, `path x1,y1,x2,y2,class x1,y1,x2,y2,class ...`.

Corners are pixels. Classes are numbers into a class list beside it, or names. A path alone is an
image without objects.
"""

import re

from yolo_tf.data import checks
from yolo_tf.data.records.label_map import read_names
from yolo_tf.data.sources.base import Entry, RawBox, no_box
from yolo_tf.data.sources.listing import Listing, is_image
from yolo_tf.data.sources.names_beside import find_names_file
from yolo_tf.data.sources.one_file import FileSource, Index, by_split
from yolo_tf.data.sources.row_index import RowIndex
from yolo_tf.errors import UserError

_NUMBER = r"-?\d+(?:\.\d+)?"
_BOX = rf"(?:{_NUMBER},){{4}}[^\s,]+"
_LINE = re.compile(rf"(?P<path>\S.*?)(?P<boxes>(?:\s+{_BOX})+)\s*")
_LOOKS = 50  # lines


class KerasListSource(FileSource):
    format = "keras_list"
    title = "lists of Keras YOLO programs"
    layout = "a text file with lines 'path x1,y1,x2,y2,class ...'"

    @staticmethod
    def find(listing: Listing) -> dict[str, str]:
        return by_split(listing, [f for f in listing.files(".txt") if _is_list(listing, f)])

    @staticmethod
    def open(listing: Listing, file: str, split: str) -> Index:
        return _KerasIndex(listing, file)


def _is_list(listing: Listing, file: str) -> bool:
    lines = [line for line in listing.lines(file)[:_LOOKS] if line.strip()]
    matches = [_LINE.fullmatch(line.strip()) for line in lines]
    paths = [m.group("path") if m else line.strip() for m, line in zip(matches, lines, strict=True)]
    return any(matches) and all(is_image(path) for path in paths)


class _KerasIndex(Index):
    def __init__(self, listing: Listing, file: str):
        path = listing.root / file
        self._seen: set[str] = set()
        self._rows = RowIndex(path, self._image_of)
        self.images = self._rows.images
        numbers = {text for text in self._seen if text.isdecimal()}
        self.in_order = bool(numbers) and len(numbers) == len(self._seen)
        self.names = sorted(self._seen)
        if self.in_order:
            names_file = find_names_file(listing, file)
            if not names_file:
                highest = max(map(int, numbers))
                problem = f"found classes 0 to {highest} and no class list"
                raise UserError(f"{path}: {problem}, expected classes.txt, a name a line")
            self.names = read_names(listing.root / names_file)

    def entry(self, position: int) -> Entry:
        entry = Entry()
        for number, line in self._rows.rows(position):
            match = _LINE.fullmatch(line)
            if not match:
                if not is_image(line):
                    expected = "path x1,y1,x2,y2,class ..."
                    entry.boxes.append(no_box(f"line {number}", checks.show(line), expected))
                continue
            for count, text in enumerate(match.group("boxes").split(), start=1):
                entry.boxes.append(self._box(text, f"line {number}, box {count}"))
        return entry

    def _box(self, text: str, place: str) -> RawBox:
        *corners, name = text.split(",")
        if self.in_order:
            if not name.isdecimal() or int(name) >= len(self.names):
                expected = f"a class from 0 to {len(self.names) - 1}"
                return no_box(place, f"class {checks.show(name)[1:-1]}", expected)
            name = self.names[int(name)]
        return RawBox(name, tuple(map(checks.number, corners)), place, checks.show(text))

    def _image_of(self, line: str, number: int) -> str:
        match = _LINE.fullmatch(line)
        if not match:  # without objects, or broken: said when the image is read
            return line if is_image(line) else line.split(" ")[0]
        for text in match.group("boxes").split():
            self._seen.add(text.rpartition(",")[2])
        return match.group("path")
