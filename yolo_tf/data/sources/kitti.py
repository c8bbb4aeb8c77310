"""KITTI, also as FiftyOne and TAO write it: a text file for each image, an object a line.

`type truncated occluded alpha xmin ymin xmax ymax ...`, 15 values, or 16 with a score; corners are
pixels from 0. DontCare marks a region that is no object.
"""

import re

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.sources.base import Entry, RawBox, no_box
from yolo_tf.data.sources.per_image import PerImageSource

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_LINE = re.compile(rf"[^\d\s+.,-]\S*(?:\s+{_NUMBER}){{14,15}}\s*")


class KittiSource(PerImageSource):
    format = "kitti"
    title = "KITTI labels"
    layout = "text files of KITTI, 15 values an object, one file for each image"
    suffix = ".txt"

    @staticmethod
    def matches(text: str) -> bool:
        lines = [line for line in text.splitlines()[:5] if line.strip()]
        return bool(lines) and bool(_LINE.fullmatch(lines[0].strip()))

    def parse(self, data: bytes, record: str, file: str) -> Entry:
        try:
            lines = data.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            found, expected = checks.show(str(error)), "UTF-8 text"
            raise BadRecord(record, file, "labels", found, expected) from None
        entry, regions = Entry(), []
        for number, line in enumerate(lines, start=1):
            words, place = line.split(), f"line {number}"
            if not words:
                continue
            if not _LINE.fullmatch(line.strip()):
                expected = "15 values: type truncated occluded alpha xmin ymin xmax ymax ..."
                entry.boxes.append(no_box(place, checks.show(line), expected))
            elif words[0].lower() == "dontcare":
                regions.append(place)
            else:
                corners = tuple(map(checks.number, words[4:8]))
                truncated = checks.number(words[1]) > 0
                shown = ", ".join(words[4:8])
                entry.boxes.append(RawBox(words[0], corners, place, shown, truncated=truncated))
        if regions:
            found = f"DontCare: {len(regions)}"
            entry.issues.append((regions[0], found, "an object", checks.IGNORED))
        return entry
