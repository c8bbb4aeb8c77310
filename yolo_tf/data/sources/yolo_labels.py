"""Label files of YOLO: a line an object, `class cx cy w h`, normalised by the image's sides.

A line of a segmentation, `class x1 y1 x2 y2 x3 y3 ...`, stands for its bounding box, and so does
one of an oriented box. With key points, whose number `kpt_shape` of data.yaml tells, the box
stands first.
"""

import math
from dataclasses import dataclass

from yolo_tf.data.checks import BadRecord, number, show
from yolo_tf.data.sources.base import RawBox

MAX_BYTES = 16 * 1024 * 1024
_MAX_FAULTS = 100  # broken lines before the whole file is given up
# Beyond this no rounding explains a share of a side: pixels, most likely.
_LARGEST = 2.0


@dataclass(frozen=True)
class Labels:
    """What a label file says."""

    boxes: list[RawBox]  # normalised
    polygons: list[int]  # numbers of the lines that are polygons


def parse_labels(
    data: bytes, class_names: list[str], record: str, file: str, keypoint_values: int = 0
) -> Labels:
    """Reads a label file; a line that is no object becomes a `RawBox` with a fault.

    Args:
      class_names: of class 0, 1, ...
      keypoint_values: numbers that follow each box.

    Raises:
      BadRecord: the file is no text, too large, or broken in more than 100 lines.
    """
    if len(data) > MAX_BYTES:
        raise BadRecord(record, file, "labels", f"{len(data)} bytes", f"at most {MAX_BYTES} bytes")
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise BadRecord(record, file, "labels", show(str(error)), "UTF-8 text") from None
    boxes, polygons, faults = [], [], 0
    for position, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        box = _read_line(words, f"line {position}", class_names, keypoint_values)
        boxes.append(box)
        faults += bool(box.fault)
        if faults > _MAX_FAULTS:
            found = f"more than {_MAX_FAULTS} broken lines"
            raise BadRecord(record, file, f"line {position}", found, "lines 'class cx cy w h'")
        if not box.fault and len(words) != 5 + keypoint_values:
            polygons.append(position)
    return Labels(boxes, polygons)


def _read_line(words: list[str], place: str, class_names: list[str], keypoint_values: int):
    text = " ".join(words[:6]) + (" ..." if len(words) > 6 else "")

    def fault(expected: str, found: str = "") -> RawBox:
        return RawBox("", (math.nan,) * 4, place, found or show(text), fault=expected)

    is_box = len(words) == 5 + keypoint_values
    if not is_box and (len(words) < 7 or len(words) % 2 == 0 or keypoint_values):
        found = f"{len(words)} values ({show(text)})"
        polygon = "" if keypoint_values else ", or a class and at least 3 points"
        return fault(f"{5 + keypoint_values}: class cx cy w h{polygon}", found)
    values = [number(word) for word in words]
    if not all(math.isfinite(v) for v in values):
        return fault("finite numbers")
    index, values = values[0], values[1 : 5 if is_box else None]
    if index != int(index) or not 0 <= index < len(class_names):
        expected = f"a class from 0 to {len(class_names) - 1}"
        return fault(expected, f"class {show(words[0])[1:-1]}")
    if any(abs(v) > _LARGEST for v in values):
        return fault("shares of the image's sides from 0 to 1, not pixels")
    if is_box:
        cx, cy, width, height = values
        corners = (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
    else:
        x, y = values[0::2], values[1::2]
        corners = (min(x), min(y), max(x), max(y))
    return RawBox(class_names[int(index)], corners, place, show(text))
