"""YOLO text labels: a data.yaml of Ultralytics, plain folders, or Darknet's .data and lists.

An image without a label file is an image without objects, counted and listed; an empty label file
says so on purpose. Boxes are of the upright picture, as viewers and Ultralytics show it.
"""

from collections import Counter
from pathlib import Path, PurePosixPath

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Options, RawRecord, make_sample
from yolo_tf.data.sources.yolo_labels import Labels, parse_labels
from yolo_tf.data.sources.yolo_layout import Entry, find_layout
from yolo_tf.data.sources.yolo_paths import label_files
from yolo_tf.errors import UserError


class YoloSource:
    """One split of a YOLO data set; `input` is its folder, data.yaml or .data file."""

    def __init__(self, options: Options):
        self.options = options
        layout = find_layout(options.input, options.split)
        self.root = layout.root
        self._keypoint_values = layout.keypoint_values
        # What class 0, 1, ... of the label files are; --names may give another order.
        self._own_names = layout.class_names or list(options.class_names or [])
        if not self._own_names:
            raise UserError(f"{options.input}: found no class names, expected --names")
        self.class_names = list(options.class_names or self._own_names)
        self.issues: list[Issue] = []
        self._entries = self._by_id(layout.entries)
        self._check_labels_exist()

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

    def _by_id(self, entries: list[Entry]) -> dict[str, Entry]:
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

    def _labels(self, source_id: str, entry: Entry) -> tuple[str, Labels, list[Issue]]:
        for file in label_files(entry.path):
            path = checks.safe_path(self.root, file, source_id, entry.path, "label file")
            if path.is_file():
                break
        else:
            file = label_files(entry.path)[0]
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

    def _check_labels_exist(self) -> None:
        """No label file at all is a wrong layout, not a data set without objects."""
        images = [entry.path for entry in self._entries.values() if entry.path is not None]
        if images and not any((self.root / f).is_file() for i in images for f in label_files(i)):
            raise UserError(
                f"{self.root}: found no label file for any of {len(images)} images, expected the "
                f"first at {' or '.join(label_files(images[0]))}"
            )


def _shortened(name: str, shorten) -> str:
    path = PurePosixPath(Path(name).as_posix().replace("\\", "/"))
    return shorten(path) or name
