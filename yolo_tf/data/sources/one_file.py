"""Formats that keep the boxes of many images in one file: what they have in common."""

from abc import ABC, abstractmethod
from pathlib import Path, PurePosixPath

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Entry, Found, Options, RawRecord, make_sample
from yolo_tf.data.sources.image_finder import ImageFinder
from yolo_tf.data.sources.listing import Listing, open_listing
from yolo_tf.data.sources.splits import same_split, split_of
from yolo_tf.errors import UserError
from yolo_tf.text_files import name_problem


class Index(ABC):
    """A file that was looked through. Picklable; memory does not grow with its boxes."""

    images: list[str]  # as the file calls them, each once
    names: list[str]  # class names: of the classes of the list if `in_order`, else those found
    in_order: bool = False

    @abstractmethod
    def entry(self, position: int) -> Entry:
        """What the file says of images[position]. Raises OSError, ValueError: it has changed."""


class FileSource(ABC):
    """One split of such a data set; `input` is its folder or the file."""

    names_of_all_splits = True  # `class_names` are those of all splits

    format: str  # key of SOURCES
    title: str
    layout: str  # what is expected, for messages

    def __init__(self, options: Options):
        self.options = options
        listing = open_listing(options.input)
        files = self.find(listing)
        if not files:
            found = f"found {listing.contents()}, expected {self.layout}"
            raise UserError(f"{options.input}: {found}")
        self.root = listing.root
        self._split = self._choose(options.split, list(files))
        self._file = files[self._split]
        self._index = self.open(listing, self._file, self._split)
        if not self._index.images:
            raise UserError(f"{self.root / self._file}: found no image, expected at least one")
        self._finder = ImageFinder(listing)
        names = set(self._index.names)
        if not self._index.in_order and not options.class_names:
            for split, file in files.items():  # so that all splits have one class list
                names.update(self.open(listing, file, split).names if split != self._split else ())
        own = self._index.names if self._index.in_order else sorted(names)
        self.class_names = list(options.class_names or own)
        self._check_names()
        self.issues: list[Issue] = []
        self._ids = self._by_id(self._index.images)

    @staticmethod
    @abstractmethod
    def find(listing: Listing) -> dict[str, str]:
        """Split -> file, relative to the data folder, "" for no split; {}: another format."""

    @staticmethod
    @abstractmethod
    def open(listing: Listing, file: str, split: str) -> Index:
        """Looks through a file."""

    @classmethod
    def recognise(cls, listing: Listing) -> list[Found]:
        files = cls.find(listing)
        if not files:
            return []
        given = str(listing.root / listing.only) if listing.only else str(listing.root)
        shown = ", ".join(sorted(set(files.values()))[:3])
        return [Found(cls.format, given, f"{cls.title}: {shown}", tuple(filter(None, files)))]

    def files(self) -> list[str]:
        return [str(self.root)]

    def ids(self) -> list[str]:
        return list(self._ids)

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        position = self._ids[source_id]
        try:
            entry = self._index.entry(position)
        except (OSError, ValueError) as error:
            found, expected = checks.show(str(error)), "the file as it was when the build began"
            raise BadRecord(source_id, self._file, "image", found, expected) from None
        place, split = "name of the image", self.options.split or self._split
        written = self._index.images[position]
        image = self._finder.image(written, source_id, self._file, place, split)
        raw = RawRecord(
            source_id=source_id,
            file=self._file,
            image_file=image,
            image=checks.read_file(Path(self.root) / image, source_id, image, "image"),
            declared_size=entry.size,
            boxes=entry.boxes,
            normalised=entry.normalised,
        )
        sample, issues = make_sample(raw, self.class_names)
        return sample, [Issue(source_id, self._file, *issue) for issue in entry.issues] + issues

    def _choose(self, wanted: str, splits: list[str]) -> str:
        found = same_split(wanted, splits)
        if found or wanted in splits:
            return found
        if len(splits) == 1 and (not wanted or splits == [""]):
            return splits[0]
        there = ", ".join(split or "(of no split)" for split in splits)
        raise UserError(
            f"{self.options.input}: {wanted or '--split'}: found no such split; "
            f"splits there: {there}"
        )

    def _check_names(self) -> None:
        if not self.class_names:
            expected = "a box with a class, or --names=FILE"
            raise UserError(f"{self.root / self._file}: found no class name, expected {expected}")
        for name in self.class_names:
            if problem := name_problem(name):
                found = f"class name {checks.show(name)}"
                raise UserError(f"{self.root / self._file}: found {found}, expected {problem}")

    @staticmethod
    def _by_id(images: list[str]) -> dict[str, int]:
        """Ids are the names of the images without suffix, where that leaves each once."""
        for shorten in (lambda p: p.stem, lambda p: str(p.with_suffix("")), str):
            paths = (PurePosixPath(name.replace("\\", "/")) for name in images)
            ids = {shorten(path): position for position, path in enumerate(paths)}
            if len(ids) == len(images):
                return ids
        return {name: position for position, name in enumerate(images)}


def by_split(listing: Listing, files: list[str]) -> dict[str, str]:
    """The files of one format by the splits that their paths tell.

    Beside files of splits one of none, such as the list of all images, does not count.

    Raises:
      UserError: several files are of the same split.
    """
    found: dict[str, str] = {}
    for file in files:
        split = split_of(file)
        if split in found and (split or len({split_of(f) for f in files}) == 1):
            raise UserError(
                f"{listing.root}: found {found[split]} and {file}, both"
                f"{f' of the split {split}' if split else ' of no split'}: give one as --input"
            )
        found.setdefault(split, file)
    if len(found) > 1:
        found.pop("", None)
    return found
