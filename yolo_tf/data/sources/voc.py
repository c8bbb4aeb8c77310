"""Pascal VOC: `Annotations/ID.xml`, `JPEGImages/ID.jpg`, `ImageSets/Main/SPLIT.txt`.

The XML may also lie beside the images, or in any folder of its own, without lists of ids.

Coordinates in VOC files are 1-based, inclusive pixels. `voc_one_based` says what to make of them:
"tf2" (default) takes x = v / width as they stand, as most TensorFlow projects do; "exact" takes
xmin = (v - 1) / width, xmax = v / width, which is right for files that keep to the rule. Many
tools write 0-based values into VOC files, and half a pixel is below what annotators see.
"""

import math
from pathlib import Path, PurePosixPath

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Found, Options, RawBox, RawRecord, make_sample
from yolo_tf.data.sources.image_finder import leads_out
from yolo_tf.data.sources.listing import Listing
from yolo_tf.data.sources.voc_layout import annotation_files, find_voc, recognise_voc
from yolo_tf.data.sources.voc_xml import class_name, parse_annotation
from yolo_tf.errors import UserError, check_choice

ONE_BASED = ("tf2", "exact")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")


class VocSource:
    """One split of a VOC folder."""

    names_of_all_splits = True  # `class_names` are those of all splits

    def __init__(self, options: Options):
        self.options = options
        check_choice("voc_one_based", options.voc_one_based, ONE_BASED)
        self.root = Path(options.input)
        self._layout = find_voc(self.root, options.split)
        self._annotations = self.root / self._layout.prefix
        self._images = self.root / "JPEGImages"
        self._exact = options.voc_one_based == "exact"
        self.issues: list[Issue] = self._not_annotated()
        self.class_names = list(options.class_names or self._find_names())

    @staticmethod
    def recognise(listing: Listing) -> list[Found]:
        return recognise_voc(listing)

    def files(self) -> list[str]:
        return [str(self.root)]

    def ids(self) -> list[str]:
        return list(self._layout.ids)

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        file = f"{self._layout.prefix}{source_id}.xml"
        tree = self._read_xml(source_id, file)
        if self._layout.finder is None:
            image, path, note = self._find_image(tree, source_id, file)
            image_file = f"JPEGImages/{image}"
        else:
            image_file, note = self._search_image(tree, source_id, file), []
            path = self.root / image_file
        objects = enumerate(tree.findall("object"), start=1)
        raw = RawRecord(
            source_id=source_id,
            file=file,
            image_file=image_file,
            image=checks.read_file(path, source_id, image_file, "image"),
            declared_size=(tree.findtext("size/height"), tree.findtext("size/width")),
            boxes=[_raw_box(item, n, self._exact, source_id, file) for n, item in objects],
        )
        sample, issues = make_sample(raw, self.class_names)
        return sample, note + issues

    def _read_xml(self, source_id: str, file: str):
        name, field = f"{source_id}.xml", "id in the split file"
        path = checks.safe_path(self._annotations, name, source_id, file, field)
        data = checks.read_file(path, source_id, file, "annotation")
        return parse_annotation(data, source_id, file)

    def _find_image(self, tree, source_id: str, file: str) -> tuple[str, Path, list[Issue]]:
        """The image in JPEGImages/, name and path: ID.jpg as VOC tools read it, else <filename>.

        A <filename> is often stale (renamed files); where both exist the id is the rule.
        """
        named = _text(tree, "filename")
        if named:
            path = checks.safe_path(self._images, named, source_id, file, "filename")
        for suffix in _SUFFIXES:
            image = f"{source_id}{suffix}"
            own = checks.safe_path(self._images, image, source_id, file, "id")
            if own.is_file():
                if named in ("", image) or Path(named).stem == source_id or not path.is_file():
                    return image, own, []
                found, expected = checks.show(named), f"{image}, the image of this id"
                action = checks.NAME_IGNORED
                return image, own, [Issue(source_id, file, "filename", found, expected, action)]
        if named and path.is_file():
            return named, path, []
        found = f"neither {source_id}.jpg nor " + (checks.show(named) if named else "a <filename>")
        raise BadRecord(source_id, file, "image", f"{found} in JPEGImages/", "the image file")

    def _search_image(self, tree, source_id: str, file: str) -> str:
        """The image of an annotation that lies anywhere: of the same name, else <filename>."""
        finder, split = self._layout.finder, self.options.split
        own, named = PurePosixPath(source_id), _text(tree, "filename")
        near = str(PurePosixPath(file).parent).removeprefix(".")
        if named and leads_out(named, near):
            expected = f"a path inside {self.root.resolve().name}/"
            raise BadRecord(source_id, file, "filename", checks.show(named), expected)
        try:
            same_name = PurePosixPath(named.replace("\\", "/")).stem == own.name
            image = same_name and finder.find(named, near, split)
            image = image or finder.find_stem(own.name, near, split)
            image = image or finder.find(named, near, split)
        except ValueError as error:
            expected = "one image for this annotation"
            raise BadRecord(source_id, file, "image", str(error), expected) from None
        if not image:
            found = f"neither {own.name}.jpg nor {checks.show(named)}"
            raise BadRecord(source_id, file, "image", found, "an image in the data folder")
        return image

    def _not_annotated(self) -> list[Issue]:
        missing = self._layout.images - len(self._layout.ids)
        if self.options.split or missing <= 0:
            return []
        found, expected = f"{missing} images more than annotations", "one for each"
        return [Issue("", "images", "annotations", found, expected, checks.NOT_ANNOTATED)]

    def _find_names(self) -> list[str]:
        """Sorted class names of all annotations, whatever the split, so that splits agree."""
        names, bad, count = set(), [], 0
        for folder in self._layout.xml_folders:
            for file in annotation_files(self.root, folder):
                count += 1
                try:
                    tree = self._read_xml(file.removeprefix(self._layout.prefix)[:-4], file)
                    names |= {class_name(item, "", file) for item in tree.findall("object")}
                except BadRecord as error:
                    bad.append(str(error))  # reported when its own split is built
        names.discard("")
        if not names and bad:
            others = f"; so {len(bad)} of {count} annotations cannot be read" if count > 1 else ""
            raise UserError(f"{bad[0]}{others}")
        if not names:
            raise UserError(f"{self._annotations}: found no object with a class name")
        return sorted(names)


def _raw_box(item, position: int, exact: bool, record: str, file: str) -> RawBox:
    name = class_name(item, record, file)
    place = f"object {position} ({checks.show(name)[1:-1] or 'no name'}), bndbox"
    sides = item.find("bndbox")
    if sides is None:
        return RawBox(name, (math.nan,) * 4, place, text="no <bndbox>")
    texts = [_text(sides, key) for key in ("xmin", "ymin", "xmax", "ymax")]
    xmin, ymin, xmax, ymax = corners = tuple(map(checks.number, texts))
    found = ""
    if not all(map(math.isfinite, corners)):  # then they are shown as they stand
        found = ", ".join(checks.show(text) if text else "nothing" for text in texts)
    return RawBox(
        name,
        (xmin - 1, ymin - 1, xmax, ymax) if exact else corners,
        place,
        found,
        difficult=_flag(item, "difficult"),
        truncated=_flag(item, "truncated"),
    )


def _text(element, tag: str) -> str:
    """The text of the first such part; "" where there is none."""
    return element.findtext(tag, "").strip()


def _flag(element, tag: str) -> bool:
    """<difficult> or <truncated>: set by 1; "Unspecified", as some tools write, is not set."""
    return _text(element, tag).lower() in ("1", "true")
