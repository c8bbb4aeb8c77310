"""LabelMe, and tools that write its JSON: one beside each image, with `shapes` and `imagePath`.

Rectangles may begin at any corner; polygons, circles and turned boxes become the boxes around them,
and are listed. Where the image is not there, the copy in `imageData` is taken.
"""

import base64
import binascii
import json
import math

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.sources.base import Entry, RawBox, corners_around, no_box
from yolo_tf.data.sources.per_image import PerImageSource
from yolo_tf.text_files import name_problem

_BOXES = ("rectangle", "", None)
_AROUND = ("polygon", "rotation", "mask", "circle", "linestrip", "quadrilateral", "cuboid")


class LabelMeSource(PerImageSource):
    format = "labelme"
    title = "LabelMe JSON"
    layout = "JSON files of LabelMe with shapes and imagePath, one for each image"
    suffix = ".json"

    @staticmethod
    def matches(text: str) -> bool:
        if '"imageData"' in text and '"flags"' in text:  # the image, written before the shapes
            return True
        has_image = any(key in text for key in ('"imagePath"', '"imageData"', '"imageHeight"'))
        return '"shapes"' in text and (has_image or len(text) >= 4096)

    def parse(self, data: bytes, record: str, file: str) -> Entry:
        try:
            content = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BadRecord(record, file, "JSON", checks.show(str(error)), "valid JSON") from None
        shapes = content.get("shapes") if isinstance(content, dict) else None
        if not isinstance(shapes, list):
            raise BadRecord(record, file, "shapes", checks.show(shapes), "a list (LabelMe)")
        path = content.get("imagePath")
        size = (content.get("imageHeight"), content.get("imageWidth"))
        entry = Entry(
            image=path if isinstance(path, str) else "",
            size=size if any(size) else None,
            pixels=_pixels(content.get("imageData"), record, file),
        )
        polygons = []
        for position, shape in enumerate(shapes):
            box, is_box = _box(shape, f"shapes[{position}]")
            entry.boxes.append(box)
            if not is_box and not box.fault:
                polygons.append(box.field)
        if polygons:
            found = f"polygons and the like: {len(polygons)}"
            entry.issues.append((polygons[0], found, "rectangles", checks.POLYGONS_BOXED))
        return entry


def _box(shape, place: str) -> tuple[RawBox, bool]:
    """An object, and whether it is a rectangle."""
    points = shape.get("points") if isinstance(shape, dict) else None
    label = shape.get("label") if isinstance(shape, dict) else None
    good = isinstance(points, list) and all(
        isinstance(point, list) and len(point) == 2 for point in points
    )
    if not good or not isinstance(label, str) or not label.strip():
        return no_box(place, checks.show(shape), "a label and a list of points [x, y]"), False
    if problem := name_problem(label.strip()):
        return no_box(place, checks.show(label), problem), False
    kind = shape.get("shape_type")
    if kind not in _BOXES + _AROUND:
        return no_box(place, f"a {checks.show(kind)}", "a rectangle or a polygon"), False
    if kind == "circle" and len(points) == 2:
        (x, y), edge = points
        radius = math.dist(*[[checks.number(v) for v in point] for point in points])
        del edge
        points = [[checks.number(x) - radius, checks.number(y) - radius],
                  [checks.number(x) + radius, checks.number(y) + radius]]  # fmt: skip
    corners = corners_around(points)
    shown = checks.show(points)
    difficult = shape.get("difficult") is True
    return RawBox(label.strip(), corners, place, shown, difficult=difficult), kind in _BOXES


def _pixels(text, record: str, file: str) -> bytes | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        return base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError) as error:
        raise BadRecord(record, file, "imageData", str(error), "an image in base64") from None
