"""YOLO text labels: a data.yaml of Ultralytics, plain folders, or Darknet's .data and lists.

A label file has a line an object, `class cx cy w h`, normalised by the image's sides. A line of a
segmentation, `class x1 y1 x2 y2 x3 y3 ...`, stands for its bounding box, and so does one of an
oriented box. With key points, whose number `kpt_shape` of data.yaml tells, the box stands first.

An image without a label file is an image without objects, counted and listed; an empty label file
says so on purpose. Boxes are of the upright image, as viewers and Ultralytics show it.
"""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord, Issue, number, show
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Found, Options, RawBox, RawRecord, make_sample
from yolo_tf.data.sources.listing import Listing
from yolo_tf.data.sources.yolo_layout import ImageEntry, find_layout, recognise_yolo
from yolo_tf.data.sources.yolo_paths import label_files
from yolo_tf.errors import UserError

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


class YoloSource:
    """One split of a YOLO data set; `input` is its folder, data.yaml or .data file."""

    def __init__(self, options: Options):
        self.options = options
        layout = find_layout(options.input, options.split)
        self.root = layout.root
        self._keypoint_values = layout.keypoint_values
        self._label_folders = layout.label_folders or {}
        # What class 0, 1, ... of the label files are; --names may give another order.
        self._own_names = layout.class_names or list(options.class_names or [])
        if not self._own_names:
            expected = "a classes.txt in the folder with a name a line, or --names=FILE"
            raise UserError(f"{options.input}: found no class names, expected {expected}")
        self.class_names = list(options.class_names or self._own_names)
        self.issues: list[Issue] = []
        self._entries = self._by_id(layout.entries)
        self._check_labels_exist()

    @staticmethod
    def recognise(listing: Listing) -> list[Found]:
        return recognise_yolo(listing)

    def files(self) -> list[str]:
        return [str(self.root)]

    def ids(self) -> list[str]:
        return list(self._entries)

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        entry = self._entries[source_id]
        place = f"line {entry.line}" if entry.line else "path"
        if entry.path is None:
            found, expected = checks.show(entry.written), f"an image inside {self.root.name}/"
            raise BadRecord(source_id, entry.list_file, place, found, expected)
        listed_in = entry.list_file or entry.path
        path = checks.safe_path(self.root, entry.path, source_id, listed_in, place)
        data = checks.read_file(path, source_id, entry.path, "image")
        file, labels, issues = self._labels(source_id, entry)
        raw = RawRecord(
            source_id=source_id,
            file=file,
            image_file=entry.path,
            image=data,
            declared_size=None,
            boxes=labels.boxes,
            normalised=True,
        )
        sample, more = make_sample(raw, self.class_names)
        return sample, issues + more

    def _by_id(self, entries: list[ImageEntry]) -> dict[str, ImageEntry]:
        """Named by the file, or by the path where two images share the name of the file."""
        unique = {}
        for entry in entries:
            name = entry.path or entry.written
            first = unique.setdefault(name, entry)
            if first is not entry:
                field, found = f"line {entry.line}", checks.show(entry.written)
                expected = f"every image once; {first.list_file} has it on line {first.line}"
                file, action = entry.list_file or name, checks.IMAGE_SKIPPED
                self.issues.append(Issue(name, file, field, found, expected, action))
        for shorten in (lambda p: p.stem, lambda p: str(p.with_suffix(""))):
            names = {name: _shortened(name, shorten) for name in unique}
            if max(Counter(names.values()).values()) == 1:
                return {names[name]: entry for name, entry in unique.items()}
        return unique

    def _labels(self, source_id: str, entry: ImageEntry) -> tuple[str, Labels, list[Issue]]:
        for file in self._label_files(entry.path):
            path = checks.safe_path(self.root, file, source_id, entry.path, "label file")
            if path.is_file():
                break
        else:
            file = self._label_files(entry.path)[0]
            expected, action = "a label file, empty if there is no object", checks.UNLABELLED
            issue = Issue(source_id, file, "labels", "no such file", expected, action)
            return file, Labels([], []), [issue]
        data = checks.read_file(path, source_id, file, "labels")
        labels = parse_labels(data, self._own_names, source_id, file, self._keypoint_values)
        if not labels.polygons:
            return file, labels, []
        lines = labels.polygons
        field = f"line {lines[0]}" if len(lines) == 1 else f"lines {lines[0]} to {lines[-1]}"
        found, expected = f"polygons: {len(lines)}", "boxes, class cx cy w h"
        action = checks.POLYGONS_BOXED
        return file, labels, [Issue(source_id, file, field, found, expected, action)]

    def _label_files(self, image: str) -> list[str]:
        """Where the label file may lie, in the order in which they are tried."""
        path = PurePosixPath(image).with_suffix(".txt")
        folder = self._label_folders.get(str(path.parent).removeprefix("."))
        own = [] if folder is None else [f"{folder}/{path.name}" if folder else path.name]
        return list(dict.fromkeys([*label_files(image), *own]))

    def _check_labels_exist(self) -> None:
        """No label file at all is a wrong layout, not a data set without objects."""
        images = [entry.path for entry in self._entries.values() if entry.path is not None]
        if images and not any(
            (self.root / f).is_file() for i in images for f in self._label_files(i)
        ):
            raise UserError(
                f"{self.root}: found no label file for any of {len(images)} images, expected the "
                f"first at {' or '.join(self._label_files(images[0]))}"
            )


def _shortened(name: str, shorten) -> str:
    path = PurePosixPath(Path(name).as_posix().replace("\\", "/"))
    return shorten(path) or name
