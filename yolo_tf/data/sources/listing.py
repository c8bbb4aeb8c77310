"""What lies in a data folder: a look that is bounded, whatever the folder holds.

Symbolic links are followed, as git-annex, DVC and `ln -s` make them; a loop of links ends.
Of the many images and label files of a folder a sample is kept, of other files all names.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from yolo_tf.errors import UserError

# Of files that are meant as images, also such as will be refused by name.
IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp"),
    *(".tif", ".tiff", ".gif", ".mpo", ".heic", ".heif", ".avif", ".jp2", ".dng", ".ppm", ".tga"),
)
MAX_FILES = 5_000_000  # names that are read
MAX_FOLDERS = 20_000
SAMPLE = 200  # files of a kind that are kept of each folder
_FILES = 5000  # files that are asked whether they tell of many images
_HEADS = 500  # beginnings of files that are kept
HEAD = 64 * 1024  # bytes that are read of a file to know what it is
_MANY = (".txt", ".xml", ".json")  # kinds of which there may be one for every image
_OF_ANNOTATIONS = re.compile(r"annot|label|ann$|json|xml|csv|conf|yaml|cfg", re.IGNORECASE)
_OUR_OWN = re.compile(r"\.(tfrecord|record)(-\d+-of-\d+)?$")


@dataclass
class Folder:
    """One folder: samples of its names, sorted, and counts of all."""

    path: str  # relative to the data folder; "" is the data folder itself
    images: list[str] = field(default_factory=list)
    image_count: int = 0
    names: list[str] = field(default_factory=list)  # of other files
    partners: set[str] = field(default_factory=set)  # names that have an image of theirs
    counts: dict[str, int] = field(default_factory=dict)  # suffix -> files that are no images

    def join(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name


class Listing:
    """The folders of a data set, sorted by path.

    `only` is the one annotation file that was given, relative to `root`; "": all that are found.
    """

    def __init__(self, root: str | Path, only: str = ""):
        """Looks at all folders below `root`.

        Raises:
          UserError: no such folder, or more files or folders in it than any data set has.
        """
        self.root = Path(root)
        self.only = only
        self._heads: dict[str, bytes] = {}
        if not self.root.is_dir():
            raise UserError(f"{self.root}: no such folder, expected a data set")
        self.folders = {folder.path: folder for folder in sorted(self._walk(), key=_path)}

    def files(self, *suffixes: str) -> Iterator[str]:
        """Paths of files that may tell of many images, by suffix in small letters.

        `only` where it is given. Files with the name of an image beside them are left out.
        """
        left = _FILES
        for folder in self.folders.values():
            for name in folder.names:
                path = folder.join(name)
                free = left > 0 and name not in folder.partners
                fits = self.only == path if self.only else free
                if fits and name.lower().endswith(suffixes):
                    left -= 1
                    yield path

    def head(self, path: str) -> bytes:
        """The first bytes of a file; b"" where it cannot be read or is no regular file."""
        if path not in self._heads:
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            self._heads[path] = _read_head(self.root / path)
        return self._heads[path]

    def text(self, path: str) -> str:
        """The head as text; what is no UTF-8 becomes a replacement character."""
        data = self.head(path)
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        return data.decode(encoding, errors="replace")

    def lines(self, path: str) -> list[str]:
        """The whole lines of the head."""
        lines = self.text(path).splitlines()
        return lines[:-1] if len(self.head(path)) == HEAD else lines

    @property
    def image_folders(self) -> list[str]:
        return [path for path, folder in self.folders.items() if folder.image_count]

    def image_count(self) -> int:
        return sum(folder.image_count for folder in self.folders.values())

    def contents(self) -> str:
        """What lies there, for a message: "12 images, 10 .txt (labels/a.txt ...), 1 .md (x.md)"."""
        totals: dict[str, int] = {}
        first: dict[str, str] = {}
        for folder in self.folders.values():
            for suffix, count in folder.counts.items():
                totals[suffix] = totals.get(suffix, 0) + count
            for name in folder.names:
                first.setdefault(PurePosixPath(name).suffix.lower(), folder.join(name))
        parts = [f"{self.image_count()} images"]
        for suffix, count in sorted(totals.items(), key=lambda item: -item[1])[:5]:
            shown = first.get(suffix, "")
            parts.append(f"{count} {suffix or 'without suffix'} ({shown[:60]})")
        return ", ".join(parts)

    def _walk(self) -> Iterator[Folder]:
        waiting, seen, total = [""], set(), 0
        while waiting:
            path = waiting.pop()
            place = self.root / path
            real = os.path.realpath(place)
            if real in seen:
                continue
            seen.add(real)
            if len(seen) > MAX_FOLDERS:
                raise UserError(f"{self.root}: found more than {MAX_FOLDERS} folders, give one")
            names, folders = _entries(place)
            total += len(names)
            if total > MAX_FILES:
                raise UserError(f"{self.root}: found more than {MAX_FILES} files, give one folder")
            folder = _folder(path, names)
            yield folder
            waiting += [folder.join(name) for name in folders]


def open_listing(given: str) -> Listing:
    """Looks at a folder, or at that of a file; of annotations/x.json at the one above it.

    Raises:
      UserError: there is nothing.
    """
    path = Path(given)
    if not path.is_file():
        return Listing(path)
    folder = path.absolute().parent
    listing = Listing(folder, path.name)
    if not listing.image_count() and _OF_ANNOTATIONS.match(folder.name):
        return Listing(folder.parent, f"{folder.name}/{path.name}")
    return listing


def _path(folder: Folder) -> str:
    return folder.path


def hidden(name: str) -> bool:
    """Files and folders that systems and tools leave behind: no part of a data set."""
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini", "__pycache__")


def is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def _entries(place: Path) -> tuple[list[str], list[str]]:
    names, folders = [], []
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if not hidden(entry.name):
                    (folders if _is_folder(entry) else names).append(entry.name)
    except OSError as error:
        raise UserError(f"{place}: not readable: {error.strerror}") from None
    return sorted(names), sorted(folders)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a loop of links


def _folder(path: str, names: Iterable[str]) -> Folder:
    folder = Folder(path)
    images = [name for name in names if is_image(name)]
    folder.images, folder.image_count = images[:SAMPLE], len(images)
    stems = {os.path.splitext(name)[0] for name in images}
    partners: dict[str, int] = {}  # suffix -> files kept that may be those of one image each
    for name in names:
        stem, suffix = os.path.splitext(name)
        suffix = suffix.lower()
        if suffix in IMAGE_SUFFIXES or _OUR_OWN.search(name):
            continue
        folder.counts[suffix] = folder.counts.get(suffix, 0) + 1
        if suffix in _MANY and (stem in stems or folder.counts[suffix] > SAMPLE):
            if not _is_list(name) and partners.get(suffix, 0) >= SAMPLE:
                continue
            partners[suffix] = partners.get(suffix, 0) + 1
            if stem in stems:
                folder.partners.add(name)
        folder.names.append(name)
    return folder


def _is_list(name: str) -> bool:
    """Names of files that describe a whole folder, kept among any number of label files."""
    return name.startswith("_") or "class" in name.lower() or "annotation" in name.lower()


def _read_head(path: Path) -> bytes:
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""
