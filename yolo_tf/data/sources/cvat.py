"""CVAT for images 1.1: one XML with an <image> for each, and <box>, <polygon>, ... in it.

Polygons, ellipses, masks and turned boxes become the boxes around them, and are listed. The subsets
of a project's export are its splits. CVAT for video, with <track>, is refused by name.
"""

import math
import xml.etree.ElementTree as ElementTree
from array import array
from pathlib import Path

import defusedxml
import defusedxml.ElementTree

from yolo_tf.data import checks
from yolo_tf.data.sources.base import Entry, RawBox, corners_around, no_box
from yolo_tf.data.sources.listing import Listing
from yolo_tf.data.sources.one_file import FileSource, Index, by_split
from yolo_tf.errors import UserError

_CHUNK = 1 << 20  # bytes
_IGNORED = ("attribute", "tag")  # parts of an image that are no objects
_AROUND = ("polygon", "ellipse", "mask", "polyline")


class CvatSource(FileSource):
    format = "cvat"
    title = "CVAT for images XML"
    layout = "an XML file with <annotations> of CVAT for images"

    @staticmethod
    def find(listing: Listing) -> dict[str, str]:
        files = [f for f in listing.files(".xml") if "<annotations" in listing.text(f)[:4096]]
        if len(files) != 1:
            return by_split(listing, files)
        subsets = _Places(listing.root / files[0]).subsets
        splits = sorted({subset for subset in subsets if subset})
        return dict.fromkeys(splits if len(splits) > 1 else [""], files[0])

    @staticmethod
    def open(listing: Listing, file: str, split: str) -> Index:
        return _CvatIndex(listing.root / file, split)


class _CvatIndex(Index):
    def __init__(self, path: Path, split: str):
        self._path = path
        places = _Places(path)
        chosen = [i for i, own in enumerate(places.subsets) if split in ("", own)]
        chosen = chosen or list(range(len(places.names)))
        self.images = [places.names[i] for i in chosen]
        self.names = places.labels
        self._starts = array("Q", (places.starts[i] for i in chosen))
        self._ends = array("Q", (places.ends[i] for i in chosen))
        if len(set(self.images)) < len(self.images):
            twice = next(name for name in self.images if self.images.count(name) > 1)
            raise UserError(f"{path}: found image {checks.show(twice)} twice, expected each once")

    def entry(self, position: int) -> Entry:
        start, end = self._starts[position], self._ends[position]
        with self._path.open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
        try:
            image = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
        except ElementTree.ParseError as error:
            raise ValueError(str(error)) from None
        entry = Entry(size=(image.get("height"), image.get("width")))
        around = []
        for count, item in enumerate(image, start=1):
            if item.tag in _IGNORED:
                continue
            place = f"image {image.get('id')}, object {count} ({item.tag})"
            corners = _corners(item)
            if corners is None:
                entry.boxes.append(no_box(place, f"<{item.tag}>", "a box or a polygon"))
                continue
            if item.tag != "box" or checks.number(item.get("rotation", "0")) != 0:
                around.append(place)
            shown = ", ".join(f"{value:g}" for value in corners)
            entry.boxes.append(RawBox(item.get("label", ""), corners, place, shown))
        if around:
            found, expected = f"polygons and the like: {len(around)}", "boxes"
            entry.issues.append((around[0], found, expected, checks.POLYGONS_BOXED))
        return entry


class _Places:
    """One pass over the file: of each <image> its name, subset and place; and all labels."""

    def __init__(self, path: Path):
        self.names: list[str] = []
        self.subsets: list[str] = []
        self.starts, self.ends = array("Q"), array("Q")
        labels: set[str] = set()
        self._path, self._labels, self._depth = path, labels, 0
        builder = defusedxml.ElementTree.DefusedXMLParser(target=_Nothing(), forbid_dtd=True)
        self._expat = builder.parser
        self._expat.ordered_attributes = False
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._video = False
        try:
            with path.open("rb") as file:
                while data := file.read(_CHUNK):
                    builder.feed(data)
                builder.close()
        except defusedxml.DefusedXmlException as error:
            problem = f"found a DTD or entity ({type(error).__name__}), expected plain XML"
            raise UserError(f"{path}: {problem}") from None
        except (ElementTree.ParseError, ValueError, OSError) as error:
            raise UserError(f"{path}: not readable as XML: {error}") from None
        del self._expat
        if self._video and not self.names:
            raise UserError(
                f"{path}: found CVAT for video (<track>), which names no images: export the task "
                "from CVAT as 'CVAT for images 1.1' or 'COCO 1.0', with images"
            )
        self.labels = sorted(labels - {""})

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._video = self._video or tag == "track"
        if tag == "image" and self._depth == 2:
            self.names.append(attributes.get("name", ""))
            self.subsets.append(attributes.get("subset", "").lower())
            self.starts.append(self._expat.CurrentByteIndex)
        elif "label" in attributes and self._depth == 3 and tag not in _IGNORED:
            self._labels.add(attributes["label"])

    def _end(self, tag: str) -> None:
        if tag == "image" and self._depth == 2:
            # Of <image ... /> the parser tells the beginning again.
            at = self._expat.CurrentByteIndex
            closed = at > self.starts[-1]
            self.ends.append(at + len(b"</image>") if closed else self._tag_end(at))
        self._depth -= 1

    def _tag_end(self, start: int) -> int:
        with self._path.open("rb") as file:
            file.seek(start)
            return start + file.read(_CHUNK).index(b"/>") + 2


class _Nothing:
    """A target of the parser that keeps nothing."""

    def close(self):
        """Nothing was built."""


def _corners(item: ElementTree.Element):
    """The box around an object; None for what is none."""
    if item.tag == "box":
        values = [checks.number(item.get(key)) for key in ("xtl", "ytl", "xbr", "ybr")]
        angle = math.radians(checks.number(item.get("rotation", "0")))
        return _turned(*values, angle) if angle else tuple(values)
    if item.tag in ("polygon", "polyline"):
        points = [point.partition(",")[::2] for point in item.get("points", "").split(";")]
        return corners_around(points)
    if item.tag == "ellipse":
        cx, cy, rx, ry = (checks.number(item.get(key)) for key in ("cx", "cy", "rx", "ry"))
        return cx - rx, cy - ry, cx + rx, cy + ry
    if item.tag == "mask":
        left, top, width, height = (
            checks.number(item.get(key)) for key in ("left", "top", "width", "height")
        )
        return left, top, left + width, top + height
    return None


def _turned(xmin, ymin, xmax, ymax, angle):
    """The box around a box that is turned about its centre."""
    cx, cy, width, height = (xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin
    dx = (abs(width * math.cos(angle)) + abs(height * math.sin(angle))) / 2
    dy = (abs(width * math.sin(angle)) + abs(height * math.cos(angle))) / 2
    return cx - dx, cy - dy, cx + dx, cy + dy
