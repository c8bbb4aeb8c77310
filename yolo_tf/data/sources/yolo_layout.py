"""Which images and classes a YOLO data set has: data.yaml, plain folders, or Darknet's .data.

The paths in these files often are those of another machine.
"""

from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from yolo_tf.data.records.label_map import read_names
from yolo_tf.data.sources.base import Found
from yolo_tf.data.sources.data_yaml import read_data_yaml
from yolo_tf.data.sources.listing import Listing, open_listing
from yolo_tf.data.sources.names_beside import find_names_file
from yolo_tf.data.sources.splits import same_split
from yolo_tf.data.sources.yolo_folders import (
    descriptions,
    folder_splits,
    image_lists,
    label_folders,
)
from yolo_tf.data.sources.yolo_paths import find_images, images_in, locate
from yolo_tf.errors import UserError
from yolo_tf.text_files import read_text

_YAML = (".yaml", ".yml")
# Ultralytics says val, Roboflow's folders and Darknet say valid.
_VALIDATION = ("val", "valid", "validation")


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """An image of the split."""

    path: str | None  # relative to the data folder; None: it is not there
    written: str  # as the list has it; of a folder's images the same as path
    list_file: str = ""  # the list, relative to the data folder
    line: int = 0  # in the list


@dataclass(frozen=True)
class Layout:
    """One split of a YOLO data set."""

    root: Path  # the data folder: nothing outside of it is read
    entries: list[ImageEntry]
    class_names: list[str] | None
    keypoint_values: int = 0  # numbers after each box
    label_folders: dict[str, str] | None = None  # folder of images -> of labels, where unusual


def find_layout(given: str, split: str) -> Layout:
    """Finds the images of a split.

    Args:
      given: the data folder, or a data.yaml or .data file in it.

    Raises:
      UserError: there is no such data set or split, or a file of it is faulty.
    """
    listing = open_listing(given)
    path = listing.root / listing.only if listing.only else listing.root
    if path.is_dir():
        path = _description(listing, split)
    if path.is_dir():
        return _plain_folders(listing, split)
    if path.suffix.lower() in _YAML:
        return _from_yaml(path, split, listing)
    if path.suffix.lower() == ".data":
        return _from_data_file(path, split)
    if path.suffix.lower() == ".txt":
        return _from_list(listing, listing.only)
    raise UserError(
        f"{path}: expected a folder, a data.yaml, a list of images or a Darknet .data file"
    )


def recognise_yolo(listing: Listing) -> list[Found]:
    """A description of the data set, or folders of images with labels."""
    given, notes = str(listing.root / listing.only), []
    files = descriptions(listing, (*_YAML, ".data"))
    for file in files:
        path = listing.root / file
        written = _yaml_splits(path) if file.lower().endswith(_YAML) else _data_splits(path)
        there = [k for k, items in written.items() if _locate(listing, path, items[0])]
        for split in written.keys() - set(there):
            notes.append(f"{file} names the split {split}, {written[split][0]}, which is not there")
        if there:
            given = str(path) if listing.only or len(files) > 1 else given
            return [Found("yolo", given, f"YOLO labels, {file}", tuple(there), tuple(notes))]
    pairs = label_folders(listing)
    if not pairs:
        return []
    splits = image_lists(listing) or folder_splits(listing, pairs)
    shown = ", ".join(f"{a or '.'} with {b or '.'}" for a, b in list(pairs.items())[:3])
    title = f"YOLO labels: {shown}"
    return [Found("yolo", given, title, tuple(sorted(filter(None, splits))), tuple(notes))]


def _description(listing: Listing, split: str) -> Path:
    """The file of a folder that describes the data set, or the folder itself."""
    folder = listing.root
    for suffixes in (_YAML, (".data",)):
        found = descriptions(listing, suffixes)
        if len(found) == 1:
            return folder / found[0]
        if found and not _image_folder(folder, split):
            raise UserError(f"{folder}: found {', '.join(found)}: give one of them as --input")
    return folder


def _plain_folders(listing: Listing, split: str) -> Layout:
    root = listing.root
    names_file = find_names_file(listing)
    names = read_names(root / names_file) if names_file else None
    if split and (folder := _image_folder(root, split)):
        entries = _folder_entries(root, folder)
        if not entries:
            raise UserError(f"{folder}: found no image, expected at least one")
        return Layout(root, entries, names)
    pairs = label_folders(listing)
    if not pairs:
        raise UserError(
            f"{root}: found neither data.yaml nor a .data file, images/{split or 'train'}/ or "
            f"{split or 'train'}/images/, nor images with label files; there: {listing.contents()}"
        )
    lists = image_lists(listing)
    if lists and (name := same_split(split, lists) if split else "") in lists:
        return replace(_from_list(listing, lists[name]), class_names=names, label_folders=pairs)
    splits = folder_splits(listing, pairs)
    wanted = same_split(split, splits)
    if split and not wanted and list(splits) != [""]:
        there = ", ".join(sorted(filter(None, splits)))
        raise UserError(f"{root}: {split}: found no such split; splits there: {there}")
    folders = sorted(splits[wanted]) if wanted else sorted(pairs)
    entries = [ImageEntry(name, name) for folder in folders for name in images_in(root, folder)]
    return Layout(root, entries, names, label_folders=pairs)


def _from_list(listing: Listing, file: str) -> Layout:
    entries = _expand(listing.root, listing.root / file)
    names_file = find_names_file(listing, file)
    names = read_names(listing.root / names_file) if names_file else None
    return Layout(listing.root, entries, names, label_folders=label_folders(listing))


def _image_folder(root: Path, split: str) -> Path | None:
    for name in _spellings(split):
        for folder in (root / "images" / name, root / name / "images"):
            if name and folder.is_dir():
                return folder
    return None


def _locate(listing: Listing, file: Path, written: str, folder: str = "") -> Path | None:
    """What a description names, by its own folder or by that of the data."""
    base = locate(file.parent, folder) or file.parent
    written, pattern = _without_pattern(written)
    for place in dict.fromkeys((base, file.parent, listing.root)):
        if found := locate(place, written):
            return found / pattern if pattern else found
    return None


def _without_pattern(written: str) -> tuple[str, str]:
    """images/train/*.jpg -> the folder and the pattern of names; "" for a plain path."""
    head, _, name = written.replace("\\", "/").rpartition("/")
    return (head or ".", name) if any(c in name for c in "*?[") else (written, "")


def _from_yaml(path: Path, split: str, listing: Listing) -> Layout:
    content = read_data_yaml(path)
    written = next((content.splits[k] for k in _spellings(split) if k in content.splits), None)
    if written is None:
        there = ", ".join(content.splits) or "none"
        raise UserError(f"{path}: {split}: found no such split; splits there: {there}")
    entries, root = [], listing.root
    for item in written:
        found = _locate(listing, path, item, content.folder)
        if found is None:
            expected = f"a folder or list of images inside {root}/, where data.yaml has to lie"
            raise UserError(f"{path}: {split}: found {item!r}, expected {expected}")
        entries += _expand(root, found)
    if not entries:
        raise UserError(f"{path}: {split}: found no image in {', '.join(written)}")
    return Layout(root, entries, content.names, content.keypoint_values, label_folders(listing))


def _yaml_splits(path: Path) -> dict[str, list[str]]:
    return read_data_yaml(path).splits


def _data_splits(path: Path) -> dict[str, list[str]]:
    settings = read_data_file(path)
    return {key: [settings[key]] for key in ("train", *_VALIDATION, "test") if key in settings}


def _from_data_file(path: Path, split: str) -> Layout:
    settings = read_data_file(path)
    key = next((k for k in _spellings(split) if k in settings), None)
    if key is None:
        there = ", ".join(k for k in ("train", "valid", "test") if k in settings) or "none"
        raise UserError(f"{path}: {split}: found no such list; lists there: {there}")
    found = locate(path.parent, settings[key])
    if found is None:
        expected = f"a list of images inside {path.parent}/"
        raise UserError(f"{path}: {key}: found {settings[key]!r}, expected {expected}")
    entries = _expand(path.parent, found)
    if not entries:
        raise UserError(f"{found}: found no image, expected one a line")
    return Layout(path.parent, entries, _data_names(path, settings))


def read_data_file(path: Path) -> dict[str, str]:
    """The settings of a Darknet .data file, `classes = 20`, `train = train.txt`, as text.

    Raises:
      UserError: a line is no `key = value`, or a key is there twice.
    """
    settings = {}
    for position, line in enumerate(read_text(path).split("\n"), start=1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not key or not value:
            found = repr(line[:60])
            raise UserError(f"{path}: line {position}: found {found}, expected key = value")
        if key in settings:
            raise UserError(f"{path}: line {position}: found {key!r} twice, expected it once")
        settings[key] = value
    return settings


def _data_names(path: Path, settings: dict[str, str]) -> list[str] | None:
    """The class names of a .data file's names file; None where it names none.

    Raises:
      UserError: the names file is missing or faulty, or has not as many names as `classes` says.
    """
    if "names" not in settings:
        return None
    found = locate(path.parent, settings["names"])
    if found is None:
        expected = f"a file inside {path.parent}/"
        raise UserError(f"{path}: names: found {settings['names']!r}, expected {expected}")
    names = read_names(found)
    if "classes" in settings and settings["classes"] != str(len(names)):
        raise UserError(
            f"{path}: classes: found {settings['classes']!r}, expected {len(names)}, the number "
            f"of names in {found}"
        )
    return names


def _expand(root: Path, found: Path) -> list[ImageEntry]:
    """The images of a folder, of a pattern in one, or of a list file; an image is itself."""
    if any(c in found.name for c in "*?[") and not found.exists():
        names = images_in(root, found.parent.relative_to(root).as_posix())
        return [ImageEntry(n, n) for n in names if fnmatch(PurePosixPath(n).name, found.name)]
    if found.is_dir():
        return _folder_entries(root, found)
    if found.suffix.lower() != ".txt":
        name = found.relative_to(root).as_posix()
        return [ImageEntry(name, name)]
    list_file, entries = found.relative_to(root).as_posix(), []
    for line, text in enumerate(read_text(found).split("\n"), start=1):
        if text.strip():
            # "./" in a list is the folder of the list, with Ultralytics.
            image = locate(found.parent, text) if found.parent != root else None
            image = image or locate(root, text)
            name = image.relative_to(root).as_posix() if image else None
            entries.append(ImageEntry(name, text.strip(), list_file, line))
    return entries


def _folder_entries(root: Path, folder: Path) -> list[ImageEntry]:
    return [ImageEntry(name, name) for name in find_images(root, folder)]


def _spellings(split: str) -> list[str]:
    """The split's name, and what else people call it."""
    return [split, *(name for name in _VALIDATION if split in _VALIDATION and name != split)]
