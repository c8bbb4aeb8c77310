"""COCO JSON: any file with the lists `images`, `annotations`, `categories`, images in any folder.

Boxes are [x, y, width, height] in pixels from 0. The sparse category ids become contiguous classes
in the order of the sorted ids. Crowd boxes are kept with their flag, images without boxes too.
"""

import math

from yolo_tf.data import checks
from yolo_tf.data.checks import BOX_SKIPPED, BadRecord, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Found, Options, RawBox, RawRecord, make_sample
from yolo_tf.data.sources.coco_index import CocoIndex
from yolo_tf.data.sources.coco_layout import find_coco, recognise_coco
from yolo_tf.data.sources.image_finder import ImageFinder
from yolo_tf.data.sources.listing import Listing
from yolo_tf.errors import UserError
from yolo_tf.text_files import name_problem


class CocoSource:
    """One split of a COCO data set; `input` is its folder or JSON file."""

    def __init__(self, options: Options):
        self.options = options
        listing, self._file = find_coco(options.input, options.split)
        self.root = listing.root
        self._finder = ImageFinder(listing)
        self._index = CocoIndex(self.root / self._file)
        self.issues: list[Issue] = []
        self._names = self._read_categories(self._own_categories())  # category id -> name
        found = [self._names[key] for key in sorted(self._names)]
        self.class_names = list(options.class_names or found)
        self.issues += [self._stray(*found) for found in self._index.annotations(None)]

    @staticmethod
    def recognise(listing: Listing) -> list[Found]:
        return recognise_coco(listing)

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
        image_file = self._finder.image(name, source_id, self._file, field, self.options.split)
        path = self.root / image_file
        raw = RawRecord(
            source_id=source_id,
            file=self._file,
            image_file=image_file,
            image=checks.read_file(path, source_id, image_file, "image"),
            declared_size=(image.get("height"), image.get("width")),
            boxes=[self._raw_box(item, _place(n, item)) for n, item in annotations],
        )
        return make_sample(raw, self.class_names)

    def _own_categories(self) -> list[dict]:
        """The categories without the one that only groups the others, as Roboflow writes it."""
        categories = self._index.categories
        for item in categories:
            others = [other for other in categories if other is not item]
            groups = all(other.get("supercategory") == item.get("name") for other in others)
            if others and groups and item.get("id") not in self._index.used_categories:
                found = f"{checks.show(item.get('name'))}, the group of the others, without a box"
                field, expected = f"category {checks.show(item.get('id'))}", "a class with boxes"
                action = checks.CLASS_LEFT_OUT
                self.issues.append(Issue("", self._file, field, found, expected, action))
                return others
        return categories

    def _read_categories(self, categories: list[dict]) -> dict[int, str]:
        path = self.root / self._file
        names = {}
        for item in categories:
            key, name = item.get("id"), item.get("name")
            if type(key) is not int or not isinstance(name, str) or name_problem(name) or not name:
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
        key, expected = item.get("image_id"), "the id of an image of the list"
        found, field = checks.show(key), f"{_place(position, item)}, image_id"
        if isinstance(key, float):
            expected += ", a whole number"
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
