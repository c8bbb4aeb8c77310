"""VGG Image Annotator 1 and 2: the JSON of regions, the project, or the CSV of regions.

The class is the attribute of the regions that is called class, label, type, name ..., or the only
one. Polygons, circles and ellipses become the boxes around them, and are listed.
"""

import csv
import json
from collections import Counter
from pathlib import Path

from yolo_tf.data import checks
from yolo_tf.data.sources.base import Entry, RawBox, corners_around, no_box
from yolo_tf.data.sources.listing import Listing
from yolo_tf.data.sources.one_file import FileSource, Index, by_split
from yolo_tf.errors import UserError
from yolo_tf.text_files import read_json

_USUAL = ("class", "class_name", "classname", "label", "type", "name", "category", "object")
_MAX_BYTES = 128 * 1024 * 1024  # it is read whole; people draw the boxes by hand
_IMAGES = "_via_img_metadata"


class ViaSource(FileSource):
    format = "via"
    title = "VGG Image Annotator"
    layout = "the JSON or CSV of regions of VGG Image Annotator 2"

    @staticmethod
    def find(listing: Listing) -> dict[str, str]:
        files = list(listing.files(".json", ".csv"))
        return by_split(listing, [f for f in files if _is_via(listing.text(f))])

    @staticmethod
    def open(listing: Listing, file: str, split: str) -> Index:
        return _ViaIndex(listing.root / file)


def _is_via(text: str) -> bool:
    if "{" in text[:4] and text.lstrip("\ufeff \r\n\t").startswith("{"):
        regions = '"regions"' in text and '"filename"' in text and '"shapes"' not in text
        return f'"{_IMAGES}"' in text or regions
    first = text[:400].splitlines()[:1]
    return bool(first) and "region_shape_attributes" in first[0] and "filename" in first[0]


class _ViaIndex(Index):
    def __init__(self, path: Path):
        content = _from_csv(path) if path.suffix.lower() == ".csv" else read_json(path, _MAX_BYTES)
        images = content.get(_IMAGES, content) if isinstance(content, dict) else None
        if not isinstance(images, dict):
            raise UserError(f"{path}: found no images, expected {ViaSource.layout}")
        self._regions: dict[str, list] = {}
        for key, item in images.items():
            name = item.get("filename") if isinstance(item, dict) else None
            regions = item.get("regions", []) if isinstance(item, dict) else None
            if isinstance(regions, dict):  # of version 1
                regions = list(regions.values())
            if not isinstance(name, str) or not name or not isinstance(regions, list):
                found = f"{checks.show(key)}: found {checks.show(item)}"
                raise UserError(f"{path}: {found}, expected an image with filename and regions")
            self._regions.setdefault(name, []).extend(regions)
        self.images = list(self._regions)
        self._attribute = self._class_attribute(path)
        found = (self._label(item) for items in self._regions.values() for item in items)
        self.names = sorted(set(found) - {""})

    def entry(self, position: int) -> Entry:
        entry, around = Entry(), []
        for count, region in enumerate(self._regions[self.images[position]]):
            place, label = f"regions[{count}]", self._label(region)
            shape = region.get("shape_attributes") if isinstance(region, dict) else None
            corners = _corners(shape) if isinstance(shape, dict) else None
            if corners is None or not label:
                wanted = f"a rectangle or polygon with the attribute {self._attribute!r}"
                entry.boxes.append(no_box(place, checks.show(region), wanted))
                continue
            if shape.get("name") != "rect":
                around.append(place)
            entry.boxes.append(RawBox(label, corners, place, checks.show(shape)))
        if around:
            found = f"polygons and the like: {len(around)}"
            entry.issues.append((around[0], found, "rectangles", checks.POLYGONS_BOXED))
        return entry

    def _class_attribute(self, path: Path) -> str:
        """The attribute of the regions that says their class."""
        regions = [item for items in self._regions.values() for item in items]
        used = Counter(key for item in regions for key, value in _attributes(item).items() if value)
        for name in _USUAL:
            if found := [key for key in used if key.strip().lower() == name]:
                return found[0]
        if len(used) == 1:
            return next(iter(used))
        found = (
            f"the attributes {', '.join(map(checks.show, sorted(used)[:8]))}" if used else "none"
        )
        raise UserError(
            f"{path}: region_attributes: found {found}, expected one that is called class, label, "
            "type or name: rename the one with the classes in VIA"
        )

    def _label(self, region) -> str:
        value = _attributes(region).get(self._attribute)
        if isinstance(value, dict):  # check boxes: those that are set
            value = ", ".join(key for key, on in value.items() if on)
        return str(value).strip() if isinstance(value, (str, int)) else ""


def _attributes(region) -> dict:
    found = region.get("region_attributes") if isinstance(region, dict) else None
    return found if isinstance(found, dict) else {}


def _corners(shape: dict):
    """The box around a region; None for a point or what else is no area."""
    kind, number = shape.get("name"), lambda key: checks.number(shape.get(key))
    if kind == "rect":
        x, y = number("x"), number("y")
        return x, y, x + number("width"), y + number("height")
    if kind in ("polygon", "polyline"):
        xs, ys = shape.get("all_points_x"), shape.get("all_points_y")
        if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
            return None
        return corners_around(zip(xs, ys, strict=True))
    if kind in ("circle", "ellipse"):
        rx, ry = (number("r"),) * 2 if kind == "circle" else (number("rx"), number("ry"))
        return number("cx") - rx, number("cy") - ry, number("cx") + rx, number("cy") + ry
    return None


def _from_csv(path: Path) -> dict:
    """The CSV of regions, brought to the form of the JSON."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UserError(f"{path}: found more than {_MAX_BYTES} bytes: export COCO")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [{k.lstrip("#"): v for k, v in row.items() if k} for row in csv.DictReader(file)]
            images: dict[str, dict] = {}
            for row in rows:
                item = images.setdefault(row["filename"], {"filename": row["filename"]})
                shape = json.loads(row["region_shape_attributes"] or "{}")
                own = json.loads(row["region_attributes"] or "{}")
                regions = item.setdefault("regions", [])
                if shape:
                    regions.append({"shape_attributes": shape, "region_attributes": own})
    except (OSError, ValueError, KeyError, TypeError, csv.Error, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: not readable as the CSV of VIA: {str(error)[:200]}") from None
    return images
