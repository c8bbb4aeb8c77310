"""Paths in the files of YOLO data sets, which often are those of another machine."""

import os
import re
from pathlib import Path, PurePosixPath

from yolo_tf.data.sources.listing import hidden, is_image

_MAX_PARTS = 64  # of a path
_LABELS_OF = ("images", "JPEGImages")  # folders whose labels lie in a folder labels/ beside


def locate(root: Path, written: str) -> Path | None:
    """The file or folder inside `root` that a written path means, or None.

    The longest end of the path that exists below `root` counts: of /content/set/images/1.jpg
    it may be images/1.jpg. Separators may be those of Windows. No result has "..": what lies in
    `root` counts alone, links that lie there included.
    """
    parts = [part for part in re.split(r"[/\\]+", written.strip()) if part not in ("", ".")]
    parts = parts[-_MAX_PARTS:]
    for start in range(len(parts)):
        tail = parts[start:]
        candidate = root.joinpath(*tail)
        if ".." not in tail and os.path.exists(candidate):
            return candidate
    return None


def find_images(root: Path, folder: Path) -> list[str]:
    """Paths, relative to `root`, of all images below a folder, sorted."""
    found, seen = [], set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a loop of links
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            if is_image(name) and not hidden(name):
                found.append((Path(place) / name).relative_to(root).as_posix())
    return sorted(found)


def images_in(root: Path, folder: str) -> list[str]:
    """As `find_images`, of a folder alone, which is given relative to `root`."""
    names = sorted(n for n in os.listdir(root / folder) if is_image(n) and not hidden(n))
    return [f"{folder}/{name}" if folder not in ("", ".") else name for name in names]


def label_files(image: str) -> list[str]:
    """Where an image's label file may lie, in the order in which they are tried.

    Ultralytics and Darknet put labels/ in the place of the last images/ (Darknet: or
    JPEGImages/) of the path; Darknet also looks beside the image.
    """
    path = PurePosixPath(image).with_suffix(".txt")
    parts, found = list(path.parts), []
    for name in _LABELS_OF:
        if name in parts[:-1]:
            at = len(parts) - 2 - parts[:-1][::-1].index(name)
            found.append("/".join([*parts[:at], "labels", *parts[at + 1 :]]))
    return [*found, str(path)]
