"""What the columns of a CSV with boxes mean, by its header or, without one, by its values."""

import csv
import re
from dataclasses import dataclass

from yolo_tf.data import checks
from yolo_tf.data.sources.listing import is_image

# Column names in small letters without spaces, dashes and underscores.
_NAMES = {
    "image": (
        *("filename", "file", "image", "imagename", "imagefilename", "imagepath", "imageid"),
        *("path", "filepath", "img", "imgname", "imgpath", "imagefile", "#filename"),
    ),
    "xmin": ("xmin", "x1", "left", "bboxxmin", "minx", "xtl", "bboxx1"),
    "ymin": ("ymin", "y1", "top", "bboxymin", "miny", "ytl", "bboxy1"),
    "xmax": ("xmax", "x2", "right", "bboxxmax", "maxx", "xbr", "bboxx2"),
    "ymax": ("ymax", "y2", "bottom", "bboxymax", "maxy", "ybr", "bboxy2"),
    "x": ("x", "bboxx", "boxx", "xcoord", *("xmin", "x1", "left")),
    "y": ("y", "bboxy", "boxy", "ycoord", *("ymin", "y1", "top")),
    "w": ("bboxwidth", "boxwidth", "w", "bboxw", "width"),
    "h": ("bboxheight", "boxheight", "h", "bboxh", "height"),
    "name": (
        *("class", "label", "classname", "labelname", "category", "categoryname", "name"),
        *("objectclass", "classlabel", "type", "object"),
    ),
    "width": ("width", "imagewidth", "imgwidth"),
    "height": ("height", "imageheight", "imgheight"),
    "crowd": ("isgroupof",),
    "truncated": ("istruncated",),
}
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_SIDES = ("x", "y", "w", "h")
# Files without a header: of Keras RetinaNet, and of MakeSense.
_RETINANET = ("image", *_CORNERS, "name")
_MAKESENSE = ("name", *_SIDES, "image", "width", "height")


@dataclass(frozen=True)
class Columns:
    """`places`: what a column means -> its position."""

    places: dict[str, int]
    delimiter: str
    header: bool
    open_images: bool = False  # image ids without suffix, classes as codes, shares of the sides

    @property
    def corners(self) -> tuple[str, ...]:
        return _CORNERS if all(key in self.places for key in _CORNERS) else _SIDES


def find_columns(lines: list[str]) -> Columns | None:
    """The meaning of the columns of a file with boxes; None for another file.

    Args:
      lines: the first of the file.
    """
    lines = [line for line in lines if line.strip()]
    if not lines:
        return None
    for delimiter in (",", ";", "\t"):
        header = split_row(lines[0], delimiter)
        if len(header) < 5:
            continue
        if found := _by_header(header):
            plain = {re.sub(r"[\s_-]", "", name).lower() for name in header}
            open_images = {"imageid", "labelname", "xmin"} <= plain
            return Columns(found, delimiter, True, open_images)
        rows = [split_row(line, delimiter) for line in lines[:20]]
        for names in (_RETINANET, _MAKESENSE):
            if all(_fits(row, names) for row in rows):
                return Columns({name: at for at, name in enumerate(names)}, delimiter, False)
    return None


def split_row(line: str, delimiter: str) -> list[str]:
    """The values of a row, without quotes and spaces around them."""
    try:
        row = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []
    return [value.strip() for value in row]


def _by_header(header: list[str]) -> dict[str, int] | None:
    plain = [re.sub(r"[\s_-]", "", name).lower() for name in header]
    found = {}
    for meaning, names in _NAMES.items():
        place = next((plain.index(name) for name in names if name in plain), None)
        if place is not None:
            found[meaning] = place
    if "image" not in found:
        return None
    if all(key in found for key in _CORNERS):
        return {key: at for key, at in found.items() if key not in _SIDES}
    if all(key in found for key in _SIDES):
        keys = {key: at for key, at in found.items() if key not in _CORNERS}
        own = (found["w"], found["h"])
        return {k: at for k, at in keys.items() if k not in ("width", "height") or at not in own}
    return None


def _fits(row: list[str], names: tuple[str, ...]) -> bool:
    if len(row) != len(names):
        return False
    values = dict(zip(names, row, strict=True))
    numbers = [v for key, v in values.items() if key not in ("image", "name")]
    empty = not any(numbers) and not values["name"]
    return is_image(values["image"]) and (
        empty or all(checks.number(v) == checks.number(v) for v in numbers)  # no NaN
    )
