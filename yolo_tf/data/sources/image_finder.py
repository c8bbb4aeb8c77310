"""Which image of a data folder an annotation means.

Annotations name their images as the tool's machine had them: bare names, paths from another root,
Windows paths, web addresses, prefixes of an upload. The folder that fits best is looked into: by
the end of the written path, then by likeness to where the annotation lies (Annotations/cam1/ and
JPEGImages/cam1/, train/ and images/train/). Where two folders fit alike and both have an image of
that name, none is taken.
"""

import os
import re
from pathlib import PurePosixPath

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.sources.listing import IMAGE_SUFFIXES, Listing
from yolo_tf.data.sources.splits import role

# Label Studio writes 8 hex digits and a dash in front of the name of an uploaded file.
_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")
_SEPARATORS = re.compile(r"[/\\]+|\?d=")
_SUFFIXES = tuple(case for s in IMAGE_SUFFIXES for case in (s, s.upper(), s.capitalize()))
_MOST = 256  # folders that are looked into for one image
_CACHED = 4096  # rankings that are kept


class ImageFinder:
    """Finds images below a data folder. Picklable, and of the size of the list of folders."""

    def __init__(self, listing: Listing):
        self.root = str(listing.root)
        self._folders = [PurePosixPath(path).parts for path in listing.image_folders]
        self._ranks: dict[tuple, list] = {}

    def find(self, written: str, near: str, split: str = "") -> str | None:
        """The path, relative to the data folder, of the image that is called `written`.

        Args:
          near: folder of the annotation, relative to the data folder.
          split: whose image it is.

        Raises:
          ValueError: several images fit; the message names two.
        """
        *folders, name = _parts(written) or [""]
        found = self._look(tuple(folders), name, near, split) if name else None
        if not found and _UPLOADED.match(name):
            found = self._look(tuple(folders), _UPLOADED.sub("", name), near, split)
        return found

    def find_stem(self, stem: str, near: str, split: str = "") -> str | None:
        """As `find`, for an image of this name with any suffix; `stem` may have folders."""
        *folders, name = _parts(stem) or [""]
        if not name:
            return None
        for suffix in _SUFFIXES:
            if found := self._look(tuple(folders), name + suffix, near, split):
                return found
        return None

    def image(self, written, record: str, file: str, field: str, split: str = "") -> str:
        """As `find`, for what an annotation file says.

        Raises:
          BadRecord: no text, a path that leaves the data folder, no such image, or several.
        """
        if not isinstance(written, str) or not written.strip():
            raise BadRecord(record, file, field, checks.show(written), "a file name")
        near = str(PurePosixPath(file).parent).removeprefix(".")
        if leads_out(written, near):
            expected = f"a path inside {os.path.basename(os.path.abspath(self.root))}/"
            raise BadRecord(record, file, field, checks.show(written), expected)
        try:
            found = self.find(written, near, split)
        except ValueError as error:
            expected = "the image that is meant, with its folder"
            raise BadRecord(record, file, field, f"{error}", expected) from None
        if found is None:
            raise BadRecord(
                record, file, field, checks.show(written), "an image in the data folder"
            )
        return found

    def _look(self, folders: tuple[str, ...], name: str, near: str, split: str) -> str | None:
        """The image in the folders that fit best, if there is one."""
        key = folders, near, split
        if key not in self._ranks:
            if len(self._ranks) >= _CACHED:
                self._ranks.clear()
            self._ranks[key] = _ranked(self._folders, *key)
        found, best = [], None
        for rank, folder in self._ranks[key]:
            if found and rank != best:
                break
            path = "/".join((*folder, name))
            if _is_file(f"{self.root}/{path}"):
                best = rank
                found.append(path)
        if len(found) > 1:
            raise ValueError(f"{checks.show(name)}, which is {found[0]} and {found[1]}")
        return found[0] if found else None


def _ranked(all_folders: list, written: tuple[str, ...], near: str, split: str) -> list:
    """(rank, folder), the best first; folders that mean other images are left out."""
    near_parts = PurePosixPath(near).parts
    wanted = role(split) or next((r for part in reversed(near_parts) if (r := role(part))), "")
    rows = []
    for folder in all_folders:
        like = _likeness(folder, near_parts, wanted)
        rows.append((_common_end(folder, written), like, folder == near_parts, folder))
    longest = max((tail for tail, *_ in rows), default=0)
    rows = [row for row in rows if row[0] == longest]
    # Where the place of the annotation tells folders apart, the others are those of other images.
    most = max((like for _, like, *_ in rows), default=0)
    rows = [row for row in rows if row[1] == most or (row[2] and row[1] >= 0)]
    rows.sort(key=lambda row: (not row[2], len(row[3]), row[3]))
    return [(row[2], row[3]) for row in rows[:_MOST]]


def _common_end(folder: tuple[str, ...], written: tuple[str, ...]) -> int:
    count = 0
    for a, b in zip(reversed(folder), reversed(written), strict=False):
        if a != b:
            break
        count += 1
    return count


def _likeness(folder: tuple[str, ...], near: tuple[str, ...], wanted: str) -> int:
    """Parts of the path that the annotation's place or split tells; negative: of another split."""
    roles = {name for part in folder if (name := role(part))}
    if wanted and roles and wanted not in roles:
        return -1
    shared = sum(part in near or bool(wanted and role(part) == wanted) for part in folder)
    digits = re.search(r"\d+$", near[-1]) if near else None
    return 2 * shared + bool(digits and folder and folder[-1].endswith(digits.group()))


def _parts(written: str) -> list[str]:
    return [part for part in _SEPARATORS.split(written.strip()) if part not in ("", ".", "..")]


def leads_out(written: str, near: str) -> bool:
    """Whether a relative path, from the folder `near`, climbs out of the data folder."""
    depth = len(PurePosixPath(near).parts)
    for part in re.split(r"[/\\]+", written.strip()):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:  # a null byte
        return False
