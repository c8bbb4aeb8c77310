"""YOLO data sets that nothing describes: which folders of images have which folders of labels.

Label files are known by what is in them: `class cx cy w h`, numbers alone. They lie beside their
images, in labels/ for images/, or in any folder that is most like that of the images.
"""

import re
from pathlib import Path, PurePosixPath

from yolo_tf.data.sources.listing import Folder, Listing, is_image
from yolo_tf.data.sources.splits import split_in, split_of
from yolo_tf.data.sources.yolo_paths import label_files, locate

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_LABEL = re.compile(rf"\d+(?:\.0*)?(?:\s+{_NUMBER}){{4,}}")
_LOOKS = 20  # images of a folder whose labels are looked for
_YAML = (
    re.compile(r"^(names|nc)\s*:", re.MULTILINE),
    re.compile(r"^(train|val|valid|validation|test)\s*:", re.MULTILINE),
)
_USUAL = ("data.yaml", "data.yml", "dataset.yaml")  # in the data folder, whatever they hold
_DATA = re.compile(r"^\s*(train|valid|val|test|names)\s*=\s*\S", re.MULTILINE)


def label_folders(listing: Listing) -> dict[str, str]:
    """Folder of images -> folder of their labels, of those that have any."""
    texts = [folder for folder in listing.folders.values() if folder.counts.get(".txt")]
    found = {}
    for path in listing.image_folders:
        images = listing.folders[path]
        usual = [_folder(file) for file in label_files(images.join(images.images[0]))]
        best = [listing.folders[name] for name in dict.fromkeys(usual) if name in listing.folders]
        others = sorted(texts, key=lambda folder: _distance(path, folder.path))
        for labels in dict.fromkeys([f.path for f in best] + [f.path for f in others]):
            sure = labels in usual and labels != path
            if _has_labels(listing, images, listing.folders[labels], sure):
                found[path] = labels
                break
    return found


def folder_splits(listing: Listing, pairs: dict[str, str]) -> dict[str, list[str]]:
    """Split -> folders of images; "" where the folders tell none."""
    found: dict[str, list[str]] = {}
    for images, labels in pairs.items():
        found.setdefault(split_of(images) or split_of(labels), []).append(images)
    return found


def image_lists(listing: Listing) -> dict[str, str]:
    """Split -> text file with an image a line; such files of the top folders alone."""
    found = {}
    for file in listing.files(".txt"):
        lines = [line.strip() for line in listing.lines(file)[:_LOOKS] if line.strip()]
        listed = lines and all(is_image(line) for line in lines)
        places = (listing.root / _folder(file), listing.root)
        if listed and file.count("/") <= 3 and any(locate(p, lines[0]) for p in places):
            found.setdefault(split_in(PurePosixPath(file).stem), file)
    if len(found) > 1:
        found.pop("", None)
    return found


def descriptions(listing: Listing, suffixes: tuple[str, ...]) -> list[str]:
    """The YAML or .data files that describe a data set, by contents, the uppermost first."""
    found = [file for file in listing.files(*suffixes) if _describes(listing, file)]
    found.sort(key=lambda file: (file.count("/"), PurePosixPath(file).name not in _USUAL, file))
    first = [file for file in found if PurePosixPath(file).name in _USUAL][:1]
    return first or found


def _describes(listing: Listing, file: str) -> bool:
    text = listing.text(file)
    if not file.lower().endswith((".yaml", ".yml")):
        return bool(_DATA.search(text))
    return file in _USUAL or all(pattern.search(text) for pattern in _YAML)


def is_labels(text: str) -> bool:
    """Whether a text is that of a label file with objects."""
    lines = [line.strip() for line in text.splitlines()[:_LOOKS] if line.strip()]
    return bool(lines) and all(_LABEL.fullmatch(line) for line in lines)


def _has_labels(listing: Listing, images: Folder, labels: Folder, sure: bool) -> bool:
    """Whether images of a folder have label files in another; `sure`: empty ones will do."""
    empty = False
    for name in images.images[:_LOOKS]:
        file = labels.join(f"{PurePosixPath(name).stem}.txt")
        if not Path(listing.root, file).is_file():
            continue
        text = listing.text(file)
        if is_labels(text):
            return True
        empty = empty or not text.strip()
    return sure and empty


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent).removeprefix(".")


def _distance(images: str, labels: str) -> tuple[int, int, str]:
    """Small for folders that are alike: parts of the paths that differ, of any order."""
    a, b = PurePosixPath(images).parts, PurePosixPath(labels).parts
    shared = sum(part in b for part in a)
    return -shared, abs(len(a) - len(b)), labels
