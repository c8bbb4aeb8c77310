"""data.yaml as Ultralytics writes it: path, train, val, test, names, nc, kpt_shape."""

from dataclasses import dataclass
from pathlib import Path

from yolo_tf.errors import UserError
from yolo_tf.text_files import check_class_names, read_yaml

_SPLITS = ("train", "val", "valid", "validation", "test", "minival")  # CVAT: Train, Validation


@dataclass(frozen=True)
class DataYaml:
    """A data.yaml with its values checked, its paths as written."""

    folder: str  # `path`
    splits: dict[str, list[str]]  # of a split: folders, list files or images
    names: list[str] | None
    keypoint_values: int  # numbers after each box


def read_data_yaml(path: Path) -> DataYaml:
    """Reads a data.yaml.

    Raises:
      UserError: no YAML, or a value of another kind; names are not 0, 1, ... or not nc many.
    """
    content = _load(path)
    folder = content.get("path") or ""
    if not isinstance(folder, str):
        raise UserError(f"{path}: path: found {folder!r:.60}, expected a folder")
    splits = {}
    for key, value in content.items():
        known = isinstance(key, str) and key.lower() in _SPLITS
        if known and value is not None:
            entries = value if isinstance(value, list) else [value]
            if not entries or not all(isinstance(v, str) and v.strip() for v in entries):
                expected = "a folder, a list file or a list of them"
                raise UserError(f"{path}: {key}: found {value!r:.60}, expected {expected}")
            splits[key.lower()] = entries
    names = _names(path, content.get("names"))
    count = content.get("nc")
    if names is not None and count is not None and count != len(names):
        raise UserError(
            f"{path}: nc: found {count!r:.60}, expected {len(names)}, the number of names"
        )
    return DataYaml(folder, splits, names, _keypoint_values(path, content.get("kpt_shape")))


def _load(path: Path) -> dict:
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: found {type(content).__name__}, expected keys such as train")
    return content


def _names(path: Path, names) -> list[str] | None:
    if names is None:
        return None
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            found = ", ".join(str(key)[:20] for key in list(names)[:8])
            last = len(names) - 1
            raise UserError(
                f"{path}: names: found the keys {found}, expected 0 to {last}, each once"
            )
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list) or not names:
        raise UserError(f"{path}: names: found {names!r:.60}, expected a list of class names")
    texts = [str(name).strip() for name in names]
    for index, name in enumerate(names):
        # Digits are a name too; `no` and `on` became truth values and cannot be brought back.
        if type(name) not in (str, int) or not texts[index] or not str(name).isprintable():
            expected = "a name, in quotes if YAML takes it for another kind of value"
            raise UserError(
                f"{path}: names: class {index}: found {name!r:.60}, expected {expected}"
            )
    check_class_names(texts, f"{path}: names")
    return texts


def _keypoint_values(path: Path, shape) -> int:
    if shape is None:
        return 0
    sizes = shape if isinstance(shape, list) else []
    if len(sizes) != 2 or not all(type(v) is int and 0 < v <= 1000 for v in sizes):
        raise UserError(f"{path}: kpt_shape: found {shape!r:.60}, expected [points, 2 or 3]")
    return sizes[0] * sizes[1]
