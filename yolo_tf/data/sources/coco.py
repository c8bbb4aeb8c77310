"""COCO instances JSON: `annotations/instances_SPLIT.json`, images in `images/SPLIT/` or `SPLIT/`.

Boxes are [x, y, width, height] in pixels from 0. The sparse category ids become contiguous classes
in the order of the sorted ids. Crowd boxes are kept with their flag, images without boxes too.
"""

import json
import math
from pathlib import Path

from yolo_tf.data import checks
from yolo_tf.data.checks import BOX_SKIPPED, BadRecord, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Options, RawBox, RawRecord, make_sample
from yolo_tf.errors import UserError


class CocoSource:
    """One split of a COCO folder."""

    def __init__(self, options: Options):
        self.root = Path(options.input)
        self._images_dir = self._find_images(options.split)
        self._file = f"annotations/instances_{options.split}.json"
        content = self._read_json(options.split)
        self._names = self._read_categories(content["categories"])  # category id -> name
        found = [self._names[key] for key in sorted(self._names)]
        self.class_names = list(options.class_names or found)
        self.issues: list[Issue] = []
        self._images = self._read_images(content["images"])  # source_id -> (name, height, width)
        self._boxes = self._read_annotations(content["annotations"])  # source_id -> [RawBox]

    def ids(self) -> list[str]:
        return list(self._images)

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        name, height, width = self._images[source_id]
        if not isinstance(name, str) or not name:
            field = f"image id {source_id}, file_name"
            raise BadRecord(source_id, self._file, field, checks.show(name), "a file name")
        field = f"image id {source_id}, file_name"
        path = checks.safe_path(self._images_dir, name, source_id, self._file, field)
        image_file = (self._images_dir.relative_to(self.root) / name).as_posix()
        raw = RawRecord(
            source_id=source_id,
            file=self._file,
            image_file=image_file,
            image=checks.read_file(path, source_id, image_file, "image"),
            declared_size=(height, width),
            boxes=self._boxes.get(source_id, []),
        )
        return make_sample(raw, self.class_names)

    def _find_images(self, split: str) -> Path:
        if not self.root.is_dir():
            raise UserError(f"{self.root}: no such folder, expected a COCO data set")
        for folder in (self.root / "images" / split, self.root / split):
            if folder.is_dir():
                return folder
        raise UserError(f"{self.root}: found neither images/{split}/ nor {split}/ with the images")

    def _read_json(self, split: str) -> dict:
        path = self.root / self._file
        if not path.is_file():
            there = sorted(p.stem[10:] for p in path.parent.glob("instances_*.json"))
            raise UserError(f"{path}: no such file; splits there: {', '.join(there) or 'none'}")
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{path}: not readable as JSON: {error}") from None
        for key in ("images", "annotations", "categories"):
            value = content.get(key) if isinstance(content, dict) else None
            if not isinstance(value, list):
                found = f"{type(value).__name__}" if value is not None else "nothing"
                raise UserError(f"{path}: {key}: found {found}, expected a list (COCO instances)")
            if not all(isinstance(item, dict) for item in value):
                raise UserError(f"{path}: {key}: found an entry that is no object, expected all")
        if not content["images"]:
            raise UserError(f"{path}: images: found none, expected at least one")
        return content

    def _read_categories(self, categories: list[dict]) -> dict[int, str]:
        path = self.root / self._file
        names = {}
        for item in categories:
            key, name = item.get("id"), item.get("name")
            if (
                type(key) is not int
                or not isinstance(name, str)
                or not name.isprintable()
                or not name
            ):
                found = checks.show(item)
                raise UserError(f"{path}: categories: found {found}, expected an int id and a name")
            if key in names or name in names.values():
                found = f"id {key}, name {name!r} twice"
                raise UserError(f"{path}: categories: found {found}, expected each once")
            names[key] = name
        if not names:
            raise UserError(f"{path}: categories: found none, expected at least one")
        return names

    def _read_images(self, images: list[dict]) -> dict:
        result = {}
        for position, item in enumerate(images):
            key = item.get("id")
            if type(key) not in (int, str) or not str(key).isprintable():
                found = checks.show(key)
                raise UserError(
                    f"{self.root / self._file}: images[{position}].id: found {found}, "
                    "expected a number or text"
                )
            if str(key) in result:
                raise UserError(
                    f"{self.root / self._file}: images[{position}].id: found {key} a second time, "
                    "expected every id once"
                )
            result[str(key)] = (item.get("file_name"), item.get("height"), item.get("width"))
        return result

    def _read_annotations(self, annotations: list[dict]) -> dict[str, list[RawBox]]:
        """Boxes by image. Segmentations are left behind: workers get a copy of what is kept."""
        boxes = {}
        for position, item in enumerate(annotations):
            image_id = str(item.get("image_id"))
            place = f"annotations[{position}] (id {checks.show(item.get('id'))})"
            if image_id not in self._images:
                found = checks.show(item.get("image_id"))
                field, expected = f"{place}, image_id", "the id of an image of the list"
                self.issues.append(Issue("", self._file, field, found, expected, BOX_SKIPPED))
                continue
            boxes.setdefault(image_id, []).append(self._raw_box(item, place))
        return boxes

    def _raw_box(self, item: dict, place: str) -> RawBox:
        key, box = item.get("category_id"), item.get("bbox")
        name = self._names.get(key) if type(key) is int else None
        corners = (math.nan,) * 4
        if isinstance(box, list) and len(box) == 4:
            x, y, width, height = (checks.number(v) for v in box)
            corners = (x, y, x + width, y + height)
        area = checks.number(item.get("area"))
        return RawBox(
            name=name if name is not None else f"category_id {checks.show(key)}",
            corners=corners,
            field=f"{place}, bbox",
            text=checks.show(box),
            area=area if area >= 0 else None,  # NaN too: then the area of the box
            crowd=item.get("iscrowd") in (1, True, "1"),
        )
