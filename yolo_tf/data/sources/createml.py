"""CreateML: a JSON list of {"image": name, "annotations": [{"label", "coordinates": {...}}]}.

Older files say "imagefilename" and "annotation".
Coordinates are the centre and the size, x, y, width and height, in pixels.
"""

import re

from yolo_tf.data import checks
from yolo_tf.data.sources.base import Entry, RawBox, no_box
from yolo_tf.data.sources.listing import Listing
from yolo_tf.data.sources.one_file import FileSource, Index, by_split
from yolo_tf.errors import UserError
from yolo_tf.text_files import read_json

_BEGIN = re.compile(r'\s*\[\s*\{[^\[\]]{0,2000}("annotations?"|"image"|"imagefilename")\s*:')
_EMPTY = re.compile(r'"annotations"\s*:\s*\[\s*\]')
_MAX_BYTES = 128 * 1024 * 1024  # it is read whole; people draw the boxes by hand
_KEYS = ("image", "imagefilename", "filename")
_OBJECTS = ("annotations", "annotation")


class CreateMlSource(FileSource):
    format = "createml"
    title = "CreateML JSON"
    layout = "a JSON list of images with annotations and coordinates (CreateML)"

    @staticmethod
    def find(listing: Listing) -> dict[str, str]:
        return by_split(listing, [f for f in listing.files(".json") if _is_createml(listing, f)])

    @staticmethod
    def open(listing: Listing, file: str, split: str) -> Index:
        return _CreateMlIndex(listing, file)


def _is_createml(listing: Listing, file: str) -> bool:
    text = listing.text(file)
    empty = '"image"' in text and _EMPTY.search(text)
    return bool(_BEGIN.match(text)) and ('"coordinates"' in text or bool(empty))


class _CreateMlIndex(Index):
    def __init__(self, listing: Listing, file: str):
        path = listing.root / file
        self._objects: dict[str, list] = {}
        for position, item in enumerate(read_json(path, _MAX_BYTES)):
            name, objects = (_first(item, keys) for keys in (_KEYS, _OBJECTS))
            objects = [] if objects is None and _is_dict(item) else objects
            if not isinstance(name, str) or not name or not isinstance(objects, list):
                expected = 'an object with "image" and "annotations" (CreateML)'
                raise UserError(f"{path}: [{position}]: found {checks.show(item)}, {expected}")
            self._objects.setdefault(name, []).extend(objects)
        self.images = list(self._objects)
        found = {_label(item) for items in self._objects.values() for item in items}
        self.names = sorted(found - {""})

    def entry(self, position: int) -> Entry:
        entry, objects = Entry(), self._objects[self.images[position]]
        for count, item in enumerate(objects):
            place, box = (
                f"annotations[{count}]",
                item.get("coordinates") if _is_dict(item) else None,
            )
            if not _is_dict(box) or not _label(item):
                expected = "a label and coordinates"
                entry.boxes.append(no_box(place, checks.show(item), expected))
                continue
            x, y, w, h = (checks.number(box.get(key)) for key in ("x", "y", "width", "height"))
            corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            entry.boxes.append(RawBox(_label(item), corners, place, checks.show(box)))
        return entry


def _first(item, keys: tuple[str, ...]):
    """The value of the first key that is there; None without one."""
    return next((item[key] for key in keys if key in item), None) if _is_dict(item) else None


def _is_dict(item) -> bool:
    return isinstance(item, dict)


def _label(item) -> str:
    label = item.get("label") if _is_dict(item) else None
    return label.strip() if isinstance(label, str) else ""
