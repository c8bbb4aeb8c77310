"""Which COCO JSON files a folder has, whatever their names, and for which split each is.

A file is known by its lists: of `images`, `annotations` and `categories` at least two begin in the
first or last bytes, and an annotation there has a `bbox`. Captions and panoptic files have not.
"""

import re
from pathlib import Path, PurePosixPath

from yolo_tf.data.sources.base import Found
from yolo_tf.data.sources.listing import HEAD, Listing, open_listing
from yolo_tf.data.sources.splits import same_split, split_in, split_of
from yolo_tf.errors import UserError

LAYOUT = (
    "a COCO data set: a JSON file with the lists images, annotations and categories, and the images"
)
_LISTS = {key: re.compile(rf'"{key}"\s*:\s*\[') for key in ("images", "annotations", "categories")}
_BOXES = re.compile(r'"bbox"\s*:\s*[\[n]|"annotations"\s*:\s*\[\s*\]')
_WHOLE = ("default", "all", "result", "labels", "annotations", "coco")  # names of no split


def recognise_coco(listing: Listing) -> list[Found]:
    files = coco_files(listing)
    if not files:
        return []
    shown = ", ".join(list(files.values())[:3])
    splits = tuple(sorted(filter(None, files)))
    given = str(listing.root / listing.only) if listing.only else str(listing.root)
    return [Found("coco", given, f"COCO JSON: {shown}", splits)]


def find_coco(given: str, split: str) -> tuple[Listing, str]:
    """The folder and, relative to it, the JSON file of a split.

    Args:
      given: the data folder, or the JSON file, whose images may lie beside its folder.

    Raises:
      UserError: there is no such file, or several may be it.
    """
    listing = open_listing(given)
    if listing.only:
        return listing, listing.only
    usual = f"annotations/instances_{split}.json"
    if (listing.root / usual).is_file():
        return listing, usual
    files = coco_files(listing)
    if not files:
        problem = f"found {listing.contents()}, expected {LAYOUT}"
        raise UserError(f"{listing.root}: {problem}")
    if found := same_split(split, files):
        return listing, files[found]
    if len(files) == 1 and (not split or "" in files):
        return listing, next(iter(files.values()))
    there = ", ".join(name or "(of no split)" for name in files)
    if split:
        raise UserError(f"{listing.root / usual}: no such file; splits there: {there}")
    raise UserError(f"{listing.root}: found the splits {there}, expected --split with one of them")


def coco_files(listing: Listing) -> dict[str, str]:
    """Split -> JSON file, relative to the folder; the split "" is that of no split.

    Raises:
      UserError: several files have the same split.
    """
    files = [file for file in listing.files(".json") if is_coco(listing, file)]
    instances = [file for file in files if PurePosixPath(file).name.startswith("instances_")]
    files = instances or files  # beside them key points and the like, of the same images
    found: dict[str, str] = {}
    for file in files:
        split = _split(file, len(files))
        if split in found:
            raise UserError(
                f"{listing.root}: found {found[split]} and {file}, both COCO JSON"
                f"{f' of the split {split}' if split else ''}: give one as --input"
            )
        found[split] = file
    return found


def _split(file: str, count: int) -> str:
    path = PurePosixPath(file)
    stem = path.name.removesuffix(".json").removeprefix("instances_")
    if split_in(stem):
        own = path.name.startswith("instances_")
        return stem if own else split_in(stem)
    if split := split_of(str(path.parent)):
        return split
    return "" if count == 1 or stem in _WHOLE else stem


def is_coco(listing: Listing, file: str) -> bool:
    text = listing.text(file) + _tail(listing.root / file)
    if not text.lstrip("\ufeff \r\n\t").startswith("{"):
        return False
    lists = [key for key, pattern in _LISTS.items() if pattern.search(text)]
    return len(lists) >= 2 and "categories" in text and bool(_BOXES.search(text))


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - 4 * HEAD, min(size, HEAD)))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
