"""COCO instances JSON: `annotations/instances_SPLIT.json`, images in `images/SPLIT/` or `SPLIT/`.

Boxes are [x, y, width, height] in pixels from 0. The sparse category ids become contiguous classes
in the order of the sorted ids. Crowd boxes are kept with their flag, images without boxes too.
"""

import math
from pathlib import Path

from yolo_tf.data import checks
from yolo_tf.data.checks import BOX_SKIPPED, BadRecord, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Options, RawBox, RawRecord, make_sample
from yolo_tf.data.sources.coco_index import CocoIndex
from yolo_tf.errors import UserError


class CocoSource:
    """One split of a COCO folder."""

    def __init__(self, options: Options):
        self.options = options
        self.root = Path(options.input)
        self._images_dir = self._find_images(options.split)
        self._file = f"annotations/instances_{options.split}.json"
        self._index = self._open()
        self._names = self._read_categories(self._index.categories)  # category id -> name
        found = [self._names[key] for key in sorted(self._names)]
        self.class_names = list(options.class_names or found)
        self.issues: list[Issue] = [self._stray(*found) for found in self._index.annotations(None)]

    def files(self) -> list[str]:
        return [str(self.root)]

    def ids(self) -> list[str]:
        return list(self._index.ids)

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        try:
            image = self._index.image(source_id)
            annotations = list(self._index.annotations(source_id))
        except (OSError, ValueError) as error:
            field, expected = f"image id {source_id}", "the file as it was when the build began"
            raise BadRecord(
                source_id, self._file, field, checks.show(str(error)), expected
            ) from None
        name, field = image.get("file_name"), f"image id {source_id}, file_name"
        if not isinstance(name, str) or not name:
            raise BadRecord(source_id, self._file, field, checks.show(name), "a file name")
        path = checks.safe_path(self._images_dir, name, source_id, self._file, field)
        image_file = (self._images_dir.relative_to(self.root) / name).as_posix()
        raw = RawRecord(
            source_id=source_id,
            file=self._file,
            image_file=image_file,
            image=checks.read_file(path, source_id, image_file, "image"),
            declared_size=(image.get("height"), image.get("width")),
            boxes=[self._raw_box(item, _place(n, item)) for n, item in annotations],
        )
        return make_sample(raw, self.class_names)

    def _find_images(self, split: str) -> Path:
        if not self.root.is_dir():
            raise UserError(f"{self.root}: no such folder, expected a COCO data set")
        for folder in (self.root / "images" / split, self.root / split):
            if folder.is_dir():
                return folder
        raise UserError(f"{self.root}: found neither images/{split}/ nor {split}/ with the images")

    def _open(self) -> CocoIndex:
        path = self.root / self._file
        if not path.is_file():
            there = sorted(p.stem[10:] for p in path.parent.glob("instances_*.json"))
            raise UserError(f"{path}: no such file; splits there: {', '.join(there) or 'none'}")
        return CocoIndex(path)

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

    def _stray(self, position: int, item: dict) -> Issue:
        found = checks.show(item.get("image_id"))
        field, expected = f"{_place(position, item)}, image_id", "the id of an image of the list"
        return Issue("", self._file, field, found, expected, BOX_SKIPPED)

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


def _place(position: int, item: dict) -> str:
    return f"annotations[{position}] (id {checks.show(item.get('id'))})"
