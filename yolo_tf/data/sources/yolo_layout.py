"""Which images and classes a YOLO data set has: data.yaml, plain folders, or Darknet's .data.

The paths in these files often are those of another machine.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from yolo_tf.data.records.label_map import read_names
from yolo_tf.data.sources.data_yaml import read_data_yaml
from yolo_tf.errors import UserError
from yolo_tf.text_files import read_text

_YAML = (".yaml", ".yml")
# Ultralytics says val, Roboflow's folders and Darknet say valid.
_VALIDATION = ("val", "valid", "validation")
_NAMES_FILES = ("classes.txt", "obj.names", "data.names", "labels/classes.txt")


@dataclass(frozen=True, slots=True)
class Entry:
    """An image of the split."""

    path: str | None  # relative to the data folder; None: it is not there
    written: str  # as the list has it; of a folder's images the same as path
    list_file: str = ""  # the list, relative to the data folder
    line: int = 0  # in the list


@dataclass(frozen=True)
class Layout:
    """One split of a YOLO data set."""

    root: Path  # the data folder: nothing outside of it is read
    entries: list[Entry]
    class_names: list[str] | None
    keypoint_values: int = 0  # numbers after each box


def find_layout(given: str, split: str) -> Layout:
    """Finds the images of a split.

    Args:
      given: the data folder, or a data.yaml or .data file in it.

    Raises:
      UserError: there is no such data set or split, or a file of it is faulty.
    """
    path = Path(given)
    if path.is_dir():
        path = _description(path, split)
    if path.is_dir():
        return _plain_folders(path, split)
    if not path.is_file():
        raise UserError(f"{path}: no such folder or file, expected a YOLO data set")
    if path.suffix.lower() in _YAML:
        return _from_yaml(path, split)
    if path.suffix.lower() == ".data":
        return _from_data_file(path, split)
    raise UserError(f"{path}: expected a folder, a data.yaml or a Darknet .data file")


def _description(folder: Path, split: str) -> Path:
    """The file of a folder that describes the data set, or the folder itself."""
    for name in ("data.yaml", "data.yml", "dataset.yaml"):
        if (folder / name).is_file():
            return folder / name
    if _image_folder(folder, split):
        return folder
    for suffixes in (_YAML, (".data",)):
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in suffixes)
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(p.name for p in found)
            raise UserError(f"{folder}: found {names}: give one of them as --input")
    raise UserError(
        f"{folder}: found neither data.yaml nor a .data file, images/{split}/ or {split}/images/"
    )


def _plain_folders(root: Path, split: str) -> Layout:
    entries = _folder_entries(root, _image_folder(root, split))
    if not entries:
        raise UserError(f"{_image_folder(root, split)}: found no image, expected at least one")
    for name in _NAMES_FILES:
        if (root / name).is_file():
            return Layout(root, entries, read_names(root / name))
    return Layout(root, entries, None)


def _image_folder(root: Path, split: str) -> Path | None:
    for name in _spellings(split):
        for folder in (root / "images" / name, root / name / "images"):
            if folder.is_dir():
                return folder
    return None


def _from_yaml(path: Path, split: str) -> Layout:
    content = read_data_yaml(path)
    written = next((content.splits[k] for k in _spellings(split) if k in content.splits), None)
    if written is None:
        there = ", ".join(content.splits) or "none"
        raise UserError(f"{path}: {split}: found no such split; splits there: {there}")
    root = path.parent
    base = locate(root, content.folder) or root
    entries = []
    for item in written:
        found = locate(base, item) or locate(root, item)
        if found is None:
            expected = f"a folder or list of images inside {root}/, where data.yaml has to lie"
            raise UserError(f"{path}: {split}: found {item!r}, expected {expected}")
        entries += _expand(root, found)
    if not entries:
        raise UserError(f"{path}: {split}: found no image in {', '.join(written)}")
    return Layout(root, entries, content.names, content.keypoint_values)


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


def _expand(root: Path, found: Path) -> list[Entry]:
    """The images of a folder, or of a list file; an image stands for itself."""
    if found.is_dir():
        return _folder_entries(root, found)
    if found.suffix.lower() != ".txt":
        name = found.relative_to(root).as_posix()
        return [Entry(name, name)]
    list_file, entries = found.relative_to(root).as_posix(), []
    for line, text in enumerate(read_text(found).split("\n"), start=1):
        if text.strip():
            # "./" in a list is the folder of the list, with Ultralytics.
            image = locate(found.parent, text) if found.parent != root else None
            image = image or locate(root, text)
            name = image.relative_to(root).as_posix() if image else None
            entries.append(Entry(name, text.strip(), list_file, line))
    return entries


def _folder_entries(root: Path, folder: Path) -> list[Entry]:
    if not folder.resolve().is_relative_to(root.resolve()):
        raise UserError(f"{folder}: leads out of {root}/, expected a folder inside")
    return [Entry(name, name) for name in find_images(root, folder)]


def _spellings(split: str) -> list[str]:
    """The split's name, and what else people call it."""
    return [split, *(name for name in _VALIDATION if split in _VALIDATION and name != split)]


# Of files that are meant as images, also such as will be refused by name.
IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp"),
    *(".tif", ".tiff", ".gif", ".mpo", ".heic", ".heif", ".avif", ".jp2", ".dng", ".ppm", ".tga"),
)
_MAX_PARTS = 64  # of a path
_LABELS_OF = ("images", "JPEGImages")  # folders whose labels lie in a folder labels/ beside


def locate(root: Path, written: str) -> Path | None:
    """The file or folder inside `root` that a written path means, or None.

    The longest end of the path that exists below `root` counts: of /content/set/images/1.jpg
    it may be images/1.jpg. Separators may be those of Windows. No result lies outside of `root`.
    """
    parts = [part for part in re.split(r"[/\\]+", written.strip()) if part not in ("", ".")]
    parts = parts[-_MAX_PARTS:]
    for start in range(len(parts)):
        tail = parts[start:]
        candidate = root.joinpath(*tail)
        if ".." not in tail and os.path.exists(candidate):
            inside = candidate.resolve().is_relative_to(root.resolve())
            return candidate if inside else None
    return None


def find_images(root: Path, folder: Path) -> list[str]:
    """Paths, relative to `root`, of all images below a folder, sorted."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith("."):
                found.append((Path(place) / name).relative_to(root).as_posix())
    return sorted(found)


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
