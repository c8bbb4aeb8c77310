"""The class list that lies in a data folder, for formats whose classes are numbers."""

import re
from pathlib import PurePosixPath

from yolo_tf.data.sources.listing import Listing, is_image
from yolo_tf.data.sources.splits import split_of

# Before any other: names that tools use, the best known first.
_USUAL = ("classes.txt", "_classes.txt", "_darknet.labels", "obj.names", "data.names")
_OTHER = re.compile(
    r"(.*[_-])?(class(es)?|names|labels?|categories)([_-]?(list|names|map))?\.txt|.*\.names"
)
_NUMBERS = re.compile(r"[-+.\deE\s,]+")


def find_names_file(listing: Listing, near: str = "") -> str:
    """The file, relative to the data folder, with a class name a line; "" where there is none.

    Args:
      near: a file; a list in its own folder comes before others, the data folder's own is next.
    """
    own = str(PurePosixPath(near).parent).removeprefix(".")
    order = sorted(listing.folders, key=lambda path: (path != own, path != "", path))
    for usual in (True, False):
        for path in order:
            folder = listing.folders[path]
            names = sorted(folder.names, key=_rank)
            for name in names:
                if (name.lower() in _USUAL) == usual and _is_names_file(listing, folder.join(name)):
                    return folder.join(name)
    return ""


def _rank(name: str) -> tuple:
    return (_USUAL.index(name.lower()) if name.lower() in _USUAL else len(_USUAL), name)


def _is_names_file(listing: Listing, path: str) -> bool:
    """Whether a file is called as class lists are, and its lines are no numbers and no images."""
    name = PurePosixPath(path).name.lower()
    if name not in _USUAL and not _OTHER.fullmatch(name):
        return False
    lines = [line.strip() for line in listing.text(path).splitlines() if line.strip()]
    if not lines or split_of(name):
        return bool(lines) and name in _USUAL
    rows = [line for line in lines if _NUMBERS.fullmatch(line) and len(line.split()) > 4]
    return not rows and not any(is_image(line) for line in lines)
