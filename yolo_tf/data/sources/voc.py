"""Pascal VOC: `Annotations/ID.xml`, `JPEGImages/ID.jpg`, `ImageSets/Main/SPLIT.txt`.

Coordinates in VOC files are 1-based, inclusive pixels. `voc_one_based` says what to make of them:
"tf2" (default) takes x = v / width as they stand, as most TensorFlow projects do; "exact" takes
xmin = (v - 1) / width, xmax = v / width, which is right for files that keep to the rule. Many
tools write 0-based values into VOC files, and half a pixel is below what annotators see.
"""

import math
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import defusedxml
import defusedxml.ElementTree

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Options, RawBox, RawRecord, make_sample
from yolo_tf.errors import UserError
from yolo_tf.text_files import read_text, repeated

ONE_BASED = ("tf2", "exact")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")


class VocSource:
    """One split of a VOC folder."""

    def __init__(self, options: Options):
        self.options = options
        if options.voc_one_based not in ONE_BASED:
            raise UserError(
                f"voc_one_based: found {options.voc_one_based!r}, expected one of {ONE_BASED}"
            )
        self.root = Path(options.input)
        self._annotations, self._images = self.root / "Annotations", self.root / "JPEGImages"
        for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
            if not (self.root / name).is_dir():
                raise UserError(
                    f"{self.root}: no folder {name}/, expected a VOC data set with Annotations/, "
                    "JPEGImages/ and ImageSets/Main/ (for VOCdevkit give the VOC2012 folder in it)"
                )
        self._exact = options.voc_one_based == "exact"
        self._ids = self._read_split(options.split)
        self.issues: list[Issue] = []
        self.class_names = list(options.class_names or self._find_names())

    def files(self) -> list[str]:
        return [str(self.root)]

    def ids(self) -> list[str]:
        return list(self._ids)

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        file = f"Annotations/{source_id}.xml"
        tree = self._read_xml(source_id, file)
        image, path, note = self._find_image(tree, source_id, file)
        image_file = f"JPEGImages/{image}"
        objects = enumerate(tree.findall("object"), start=1)
        raw = RawRecord(
            source_id=source_id,
            file=file,
            image_file=image_file,
            image=checks.read_file(path, source_id, image_file, "image"),
            declared_size=(tree.findtext("size/height"), tree.findtext("size/width")),
            boxes=[_raw_box(item, n, self._exact) for n, item in objects],
        )
        sample, issues = make_sample(raw, self.class_names)
        return sample, note + issues

    def _read_split(self, split: str) -> list[str]:
        folder = self.root / "ImageSets" / "Main"
        path = folder / f"{split}.txt"
        if not path.is_file():
            there = ", ".join(sorted(p.stem for p in folder.glob("*.txt"))) or "none"
            raise UserError(f"{path}: no such split file; splits there: {there}")
        lines = [line.strip() for line in read_text(path).splitlines()]
        ids = [line for line in lines if line]
        if not ids:
            raise UserError(f"{path}: found no image id, expected one a line")
        if twice := repeated(lines):
            line, first = twice
            raise UserError(
                f"{path}: line {line + 1}: id {checks.show(lines[line])} is already on line "
                f"{first + 1}, expected every id once"
            )
        return ids

    def _read_xml(self, source_id: str, file: str):
        path = checks.safe_path(
            self._annotations, f"{source_id}.xml", source_id, file, "id in the split file"
        )
        data = checks.read_file(path, source_id, file, "annotation")
        try:
            tree = _parse(data)
        except defusedxml.DefusedXmlException as error:
            found = f"a DTD or entity ({type(error).__name__})"
            raise BadRecord(source_id, file, "XML", found, "plain VOC XML without them") from None
        except (ElementTree.ParseError, ValueError, LookupError) as error:
            raise BadRecord(source_id, file, "XML", checks.show(str(error)), "valid XML") from None
        if tree.tag != "annotation":
            found = f"root element <{checks.show(tree.tag)[1:-1]}>"
            raise BadRecord(source_id, file, "XML", found, "<annotation>")
        return tree

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

    def _find_names(self) -> list[str]:
        """Sorted class names of all annotations, whatever the split, so that splits agree."""
        names = set()
        for name in sorted(os.listdir(self._annotations)):
            if not name.endswith(".xml") or name.startswith("."):
                continue
            try:
                tree = self._read_xml(name.removesuffix(".xml"), f"Annotations/{name}")
            except BadRecord:
                continue  # reported when its own split is built
            names |= {_text(item, "name") for item in tree.findall("object")}
        names.discard("")
        if not names:
            raise UserError(f"{self._annotations}: found no object with a class name")
        return sorted(names)


class _Parser(defusedxml.ElementTree.DefusedXMLParser):
    """Defusedxml's parser, whose elements are made in C: half the time."""

    def __init__(self):
        super().__init__(target=ElementTree.TreeBuilder(), forbid_dtd=True)
        self.parser.ordered_attributes = False  # a dict, as the builder takes them
        self.parser.StartElementHandler = self.target.start
        self.parser.EndElementHandler = self.target.end


def _parse(data: bytes):
    """The root element."""
    parser = _Parser()
    parser.feed(data)
    return parser.close()


def _raw_box(item, position: int, exact: bool) -> RawBox:
    name = _text(item, "name")
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
