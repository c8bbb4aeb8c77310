"""Formats with an annotation file for each image, known by its contents: what they share."""

import os
from abc import ABC, abstractmethod
from pathlib import Path, PurePosixPath

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Entry, Found, Options, RawRecord, make_sample
from yolo_tf.data.sources.image_finder import ImageFinder
from yolo_tf.data.sources.listing import Listing, hidden
from yolo_tf.data.sources.splits import same_split, split_of
from yolo_tf.errors import UserError

_LOOKS = 8  # files of a folder that are looked into
MAX_BYTES = 64 * 1024 * 1024  # of an annotation file, which may have its image in it


class PerImageSource(ABC):
    """One split of such a data set; `input` is its folder."""

    names_of_all_splits = True  # `class_names` are those of all splits

    format: str  # key of SOURCES
    title: str
    layout: str  # what is expected, for messages
    suffix: str  # of the annotation files

    def __init__(self, options: Options):
        self.options = options
        listing = Listing(options.input)
        self.root = listing.root
        folders = self._folders(listing)
        if not folders:
            found = f"found {listing.contents()}, expected {self.layout}"
            raise UserError(f"{options.input}: {found}")
        self._finder = ImageFinder(listing)
        self._ids = self._find_ids(folders, options.split)
        self.issues: list[Issue] = []
        missing = listing.image_count() - len(self._ids)
        if not options.split and missing > 0:
            found, expected = f"{missing} images more than annotations", "one for each"
            issue = Issue("", "images", "annotations", found, expected, checks.NOT_ANNOTATED)
            self.issues.append(issue)
        self.class_names = list(options.class_names or self._find_names(folders))

    @staticmethod
    @abstractmethod
    def matches(text: str) -> bool:
        """Whether the beginning of a file is that of an annotation."""

    @abstractmethod
    def parse(self, data: bytes, record: str, file: str) -> Entry:
        """The objects of an annotation file. Raises BadRecord: it is none."""

    @classmethod
    def recognise(cls, listing: Listing) -> list[Found]:
        folders = cls._folders(listing)
        splits = sorted({split_of(path) for path in folders} - {""})
        title = f"{cls.title} in {', '.join(f or '.' for f in folders[:3])}"
        return [Found(cls.format, str(listing.root), title, tuple(splits))] if folders else []

    def files(self) -> list[str]:
        return [str(self.root)]

    def ids(self) -> list[str]:
        return list(self._ids)

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        file = source_id + self.suffix
        entry = self._parsed(source_id, file)
        image = self._image(entry, source_id, file)
        if image:
            data = checks.read_file(self.root / image, source_id, image, "image")
        else:
            image, data = f"{file}, imageData", entry.pixels
        raw = RawRecord(
            source_id=source_id,
            file=file,
            image_file=image,
            image=data,
            declared_size=entry.size,
            boxes=entry.boxes,
            filename=PurePosixPath(entry.image.replace("\\", "/")).name if entry.pixels else "",
        )
        sample, issues = make_sample(raw, self.class_names)
        return sample, [Issue(source_id, file, *issue) for issue in entry.issues] + issues

    def _image(self, entry: Entry, source_id: str, file: str) -> str:
        """The image that is named, or that has the annotation's name; "": that in the file."""
        near = str(PurePosixPath(file).parent).removeprefix(".")
        missing = None
        if entry.image:
            try:
                place, split = "name of the image", self.options.split
                return self._finder.image(entry.image, source_id, file, place, split)
            except BadRecord as error:
                missing = error
        try:
            stem = PurePosixPath(source_id).name
            found = self._finder.find_stem(stem, near, self.options.split)
        except ValueError as error:
            expected = "one image for this annotation"
            raise BadRecord(source_id, file, "image", str(error), expected) from None
        if not found and entry.pixels is None:
            found, expected = f"no {stem}.jpg or the like", "an image of the annotation's name"
            raise missing or BadRecord(source_id, file, "image", found, expected)
        return found or ""

    def _parsed(self, source_id: str, file: str) -> Entry:
        data = checks.read_file(Path(self.root) / file, source_id, file, "annotation")
        if len(data) > MAX_BYTES:
            found, expected = f"{len(data)} bytes", f"at most {MAX_BYTES} bytes"
            raise BadRecord(source_id, file, "annotation", found, expected)
        return self.parse(data, source_id, file)

    @classmethod
    def _folders(cls, listing: Listing) -> list[str]:
        found = []
        for path, folder in listing.folders.items():
            names = [name for name in folder.names if name.lower().endswith(cls.suffix)]
            if any(cls.matches(listing.text(folder.join(name))) for name in names[:_LOOKS]):
                found.append(path)
        return found

    def _find_ids(self, folders: list[str], split: str) -> list[str]:
        splits = {path: split_of(path) for path in folders}
        there = sorted(set(splits.values()) - {""})
        wanted = same_split(split, there) if split else ""
        if split and there and not wanted:
            raise UserError(
                f"{self.root}: {split}: found no such split; splits there: {', '.join(there)}"
            )
        return [key for path in folders if splits[path] == wanted or not wanted
                for key in self._ids_of(path)]  # fmt: skip

    def _ids_of(self, folder: str) -> list[str]:
        names = sorted(os.listdir(self.root / folder))
        names = [name for name in names if name.endswith(self.suffix) and not hidden(name)]
        paths = [f"{folder}/{name}" if folder else name for name in names]
        # Among label files other files of their kind may lie, such as classes.txt or notes.json.
        others = [path for path in paths if not self._may_be(path)]
        return [path.removesuffix(self.suffix) for path in paths if path not in others]

    def _may_be(self, path: str) -> bool:
        """Whether a file is an annotation: by contents, an empty one too."""
        try:
            with (self.root / path).open("rb") as file:
                text = file.read(4096).decode("utf-8", errors="replace")
        except OSError:
            return True  # said when it is read
        return not text.strip() or self.matches(text)

    def _find_names(self, folders: list[str]) -> list[str]:
        """Sorted class names of all annotations, whatever the split, so that splits agree."""
        names, bad, count = set(), [], 0
        for key in (key for folder in folders for key in self._ids_of(folder)):
            count += 1
            try:
                names |= {box.name for box in self._parsed(key, key + self.suffix).boxes}
            except BadRecord as error:
                bad.append(str(error))  # reported when its own split is built
        names.discard("")
        if not names:
            first = f"{bad[0]}; so {len(bad)} of {count} annotations" if bad else "no object"
            raise UserError(f"{self.root}: found no class name in {self.title}: {first}")
        return sorted(names)
