"""Which annotations and images a folder with the XML of Pascal VOC has."""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from yolo_tf.data import checks
from yolo_tf.data.sources.base import Found
from yolo_tf.data.sources.image_finder import ImageFinder
from yolo_tf.data.sources.listing import Listing, hidden
from yolo_tf.data.sources.splits import same_split, split_of
from yolo_tf.errors import UserError
from yolo_tf.text_files import read_text, repeated

_ROOT = re.compile(r"<annotation[\s>/]")
_LISTS = ("ImageSets/Main", "ImageSets", "")  # folders with lists of ids
_FLAGGED = re.compile(r"(\S.*?)\s+(-1|0|1)")  # of VOC's list of one class
_LOOKS = 4  # XML files of a folder that are looked into
LAYOUT = (
    "a VOC data set: XML files with <annotation> and their images; with lists of ids in "
    "ImageSets/Main/ or without (for VOCdevkit give the VOC2012 folder in it)"
)


@dataclass(frozen=True)
class VocLayout:
    """One split of a VOC folder."""

    root: Path
    xml_folders: list[str]  # all that have annotations, of whatever split
    prefix: str  # of an id's annotation: PREFIX + ID + ".xml"
    ids: list[str]
    finder: ImageFinder | None  # None: images are JPEGImages/ID.jpg
    images: int  # of the folder


def recognise_voc(listing: Listing) -> list[Found]:
    bases = {_base(listing, folder) for folder in _xml_folders(listing)}
    found = []
    for base in sorted(bases):
        inner = Listing(listing.root / base) if base else listing
        splits = sorted(_splits(inner))
        lists = "lists of ids" if _list_folder(inner) is not None else "no lists of ids"
        title = f"Pascal VOC XML in {', '.join(_xml_folders(inner)[:3]) or 'one folder'}, {lists}"
        found.append(Found("voc", str(listing.root / base), title, tuple(splits)))
    return found


def find_voc(root: Path, split: str) -> VocLayout:
    """Finds the annotations of a split.

    Raises:
      UserError: there is no such data set or split, or a list of ids is faulty.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder, expected {LAYOUT}")
    listing = Listing(root)
    plain = all((root / name).is_dir() for name in ("Annotations", "JPEGImages"))
    folders = _xml_folders(listing)
    if not folders and not plain:
        raise UserError(f"{root}: found {listing.contents()}, expected {LAYOUT}")
    lists = _list_folder(listing)
    prefix = "Annotations/" if (root / "Annotations").is_dir() else ""
    if not prefix and lists and len(folders) == 1 and folders[0]:
        prefix = f"{folders[0]}/"
    if split and lists is not None:
        ids = _read_list(_list_file(root, lists, split), root / "Annotations")
    else:
        ids = _all_ids(listing, folders, prefix, split)
    finder = None if plain else ImageFinder(listing)
    return VocLayout(root, folders, prefix, ids, finder, listing.image_count())


def annotation_files(root: Path, folder: str) -> list[str]:
    """Paths of all XML files of a folder, relative to `root`, sorted."""
    names = [n for n in os.listdir(root / folder) if n.lower().endswith(".xml") and not hidden(n)]
    return [f"{folder}/{name}" if folder else name for name in sorted(names)]


def _xml_folders(listing: Listing) -> list[str]:
    """Folders with annotations: at least one of the first files has the root of one."""
    found, plain = [], "JPEGImages" in listing.folders
    for path, folder in listing.folders.items():
        files = [folder.join(name) for name in folder.names if name.lower().endswith(".xml")]
        in_place = PurePosixPath(path).parts[:1] == ("Annotations",) and plain
        if files and (in_place or any(_ROOT.search(listing.text(f)) for f in files[:_LOOKS])):
            found.append(path)
    return found


def _base(listing: Listing, folder: str) -> str:
    """The VOC folder, such as VOCdevkit/VOC2012, to which a folder of annotations belongs."""
    parts = PurePosixPath(folder).parts
    if "Annotations" in parts:
        base = "/".join(parts[: parts.index("Annotations")])
        names = (f"{base}/{name}" if base else name for name in ("ImageSets", "JPEGImages"))
        if any(name in listing.folders for name in names):
            return base
    return ""


def _list_folder(listing: Listing) -> str | None:
    """The folder with lists of ids; None where there is none."""
    for path in _LISTS:
        folder = listing.folders.get(path)
        if folder is None or (not path and "Annotations" not in listing.folders):
            continue
        if path or any(_is_id_list(listing, name) for name in folder.names):
            return path
    return None


def _is_id_list(listing: Listing, name: str) -> bool:
    """Whether a text file names annotations, one a line."""
    lines = listing.lines(name)[:_LOOKS] if name.endswith(".txt") else []
    return bool(lines) and all(
        line.strip() and (listing.root / "Annotations" / f"{line.strip()}.xml").is_file()
        for line in lines
    )


def _splits(listing: Listing) -> set[str]:
    lists = _list_folder(listing)
    if lists is not None:
        names = [n for n in listing.folders[lists].names if n.lower().endswith(".txt")]
        names = [n for n in names if lists or _is_id_list(listing, n)]
        # X_train.txt beside train.txt is the list of one class, with flags.
        found = {name[:-4] for name in names}
        found = {s for s in found if s.rpartition("_")[2] not in found - {s}}
        return set() if len(found) == 1 and not split_of(min(found)) else found
    folders = {split_of(path) for path in _xml_folders(listing)} - {""}
    return folders or {split_of(path) for path in listing.image_folders} - {""}


def _list_file(root: Path, folder: str, split: str) -> Path:
    there = sorted(path.stem for path in (root / folder).glob("*.txt"))
    path = root / folder / f"{same_split(split, there) or split}.txt"
    if not path.is_file():
        raise UserError(f"{path}: no such split file; splits there: {', '.join(there) or 'none'}")
    return path


def _read_list(path: Path, annotations: Path) -> list[str]:
    """The ids of a list; of VOC's list of one class those whose flag is 1 or 0, not -1."""
    lines = [line.strip() for line in read_text(path).splitlines()]
    flagged = [_FLAGGED.fullmatch(line) for line in lines if line]
    if flagged and all(flagged) and not (annotations / f"{flagged[0].group()}.xml").is_file():
        lines = [match.group(1) for match in flagged if match.group(2) != "-1"]
        kept = f"{len(lines)} of {len(flagged)} images have the flag 1 or 0"
        print(f"{path}: a list of one class: {kept}, those with -1 are left out")
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


def _all_ids(listing: Listing, folders: list[str], prefix: str, split: str) -> list[str]:
    """Ids of the annotations in the folders of a split; by their images where these are split."""
    splits = {path: split_of(path) for path in folders}
    wanted = same_split(split, set(splits.values()) - {""}) if split else ""
    ids = []
    for path, own in splits.items():
        if not wanted or own == wanted:
            ids += [file[:-4].removeprefix(prefix) for file in annotation_files(listing.root, path)]
    if split and not wanted and (own := same_split(split, _splits(listing))):
        finder = ImageFinder(listing)
        ids = [key for key in ids if split_of(_image_of(finder, prefix + key)) == own]
    elif split and not wanted and _splits(listing):
        there = ", ".join(sorted(_splits(listing)))
        raise UserError(f"{listing.root}: {split}: found no such split; splits there: {there}")
    if not ids:
        raise UserError(f"{listing.root}: found no annotation, expected {LAYOUT}")
    return ids


def _image_of(finder: ImageFinder, key: str) -> str:
    try:
        return finder.find_stem(PurePosixPath(key).name, str(PurePosixPath(key).parent)) or ""
    except ValueError:
        return ""
