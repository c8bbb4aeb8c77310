"""Prepared data sets of TensorFlow Datasets: their record files and class names.

A pattern `tfds:NAME:SPLIT`, such as tfds:voc/2012:train, names a split where a pattern of shards
could stand; NAME may end in a version, or be a folder with dataset_info.json. Only what lies in
TFDS's data folder (TFDS_DATA_DIR, else ~/tensorflow_datasets) is read: nothing is downloaded, and
no code of a data set is run.
"""

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from yolo_tf.errors import UserError

PREFIX = "tfds:"
_NAME = re.compile(r"\w+(/[\w.+-]+)*(:(\d+|\*)\.(\d+|\*)\.(\d+|\*))?")
# Features beyond objects/{bbox,label} that records may have, with the types that we read.
_OPTIONAL = {
    "objects/is_difficult": "int64",
    "objects/is_truncated": "int64",
    "objects/is_crowd": "int64",
    "objects/area": "int64",
    "image/filename": "string",
    "image/id": "int64",
}


@dataclass(frozen=True)
class TfdsSplit:
    """Where the records of a split are."""

    name: str  # "voc/2012/5.0.0"
    paths: list[str]
    class_names: list[str]


def is_tfds(pattern: str) -> bool:
    """Whether a pattern of records names a split, or `labels` a data set, of TFDS."""
    return pattern.startswith(PREFIX)


def parse_pattern(pattern: str) -> tuple[str, str]:
    """(NAME, SPLIT) of "tfds:NAME:SPLIT"."""
    whole, bracket, part = pattern.removeprefix(PREFIX).partition("[")
    name, _, split = whole.rpartition(":")
    if not name or not split:
        raise UserError(f"{pattern}: expected tfds:NAME:SPLIT, for example tfds:voc/2012:train")
    return name, split + bracket + part


def find_split(name: str, split: str, data_dir: str = "", exact_types: bool = True) -> TfdsSplit:
    """Finds a split of a prepared data set.

    Args:
      name: as TFDS has it, "voc/2012", or the folder of a prepared data set.
      split: a whole split, or several joined by "+".
      data_dir: folder of the prepared data sets; "": TFDS's own default.
      exact_types: the records are for `parsing.parse_example`, which takes each feature as one
        type; false: for `examples.parse_record`, which takes any number.

    Raises:
      UserError: not there, no detection data, another file format, or no such split.
    """
    builder = _builder(name, data_dir)
    names = _class_names(name, builder.info.features)
    if exact_types:
        _check_types(name, builder.info.features)
    file_format = builder.info.file_format.value
    if file_format != "tfrecord":
        raise UserError(
            f"tfds {name}: its files are {file_format}, expected tfrecord: prepare it again with "
            "file_format='tfrecord' (tfds.builder)"
        )
    paths = []
    for part in split.split("+"):
        if part not in builder.info.splits:
            there = ", ".join(sorted(builder.info.splits)) or "none"
            hint = ""
            if "[" in part:
                hint = "; a part of a split cannot be read, only the whole"
            raise UserError(f"tfds {name}: split {part!r}: found none; splits: {there}{hint}")
        paths += [str(path) for path in builder.info.splits[part].filepaths]
    missing = [path for path in paths if not Path(path).exists()]
    if missing:
        raise UserError(f"{missing[0]}: missing, prepare tfds {name} again")
    return TfdsSplit(builder.info.full_name, paths, names)


def label_names(pattern: str) -> list[str]:
    """The class names, in the order of the labels, of "tfds:NAME" or "tfds:NAME:SPLIT"."""
    name = pattern.removeprefix(PREFIX)
    head, _, last = name.rpartition(":")
    if head and not re.match(r"[\d*]+\.", last):  # a split, no version
        name = head
    return _class_names(name, _builder(name, "").info.features)


def _builder(name: str, data_dir: str):
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise UserError(
            f"tfds {name}: TensorFlow Datasets is not installed: "
            "pip install tensorflow-datasets importlib-resources"
        ) from None
    # Not public, but the one way that neither runs a data set's code nor asks a server.
    from tensorflow_datasets.core.read_only_builder import builder_from_files

    try:
        if (Path(name) / "dataset_info.json").is_file():
            return tfds.builder_from_directory(name)
        if not _NAME.fullmatch(name):
            raise UserError(f"tfds {name}: expected a name such as voc/2012, or a folder")
        return builder_from_files(name, data_dir=data_dir or None)
    except tfds.core.DatasetNotFoundError:
        folder = data_dir or tfds.core.constants.DATA_DIR
        there = ", ".join(_prepared(Path(folder).expanduser())) or "none"
        raise UserError(
            f"tfds {name}: not prepared in {folder} (data sets there: {there}); run once: "
            f"tfds build {name}" + (f" --data_dir={data_dir}" if data_dir else "")
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        if isinstance(error, UserError):
            raise
        problem = " ".join(str(error).split())[:200]
        raise UserError(f"tfds {name}: not readable as a prepared data set: {problem}") from None


def _prepared(folder: Path) -> list[str]:
    """The data sets, NAME/VERSION or NAME/CONFIG/VERSION, in a folder; 20 at most."""
    found = (p for stars in ("*/*", "*/*/*") for p in folder.glob(f"{stars}/dataset_info.json"))
    return sorted(path.parent.relative_to(folder).as_posix() for path in islice(found, 20))


def _class_names(name: str, features) -> list[str]:
    import tensorflow_datasets as tfds

    outer = _parts(features)
    inner = _parts(getattr(outer.get("objects"), "feature", None))
    if not isinstance(outer.get("image"), tfds.features.Image) or not inner:
        found = ", ".join(sorted(outer)) or "none"
        raise UserError(f"tfds {name}: found features {found}, expected image and objects/bbox")
    if outer["image"].np_dtype != np.uint8:
        found = np.dtype(outer["image"].np_dtype).name
        raise UserError(f"tfds {name}: image: found {found}, expected uint8")
    box, label = inner.get("bbox"), inner.get("label")
    if not isinstance(box, tfds.features.BBoxFeature):
        raise UserError(f"tfds {name}: objects/bbox: found {_kind(box)}, expected a BBoxFeature")
    if not isinstance(label, tfds.features.ClassLabel):
        raise UserError(f"tfds {name}: objects/label: found {_kind(label)}, expected a ClassLabel")
    layout = getattr(box.bbox_format, "value", box.bbox_format)
    if layout not in (None, "REL_YXYX"):
        raise UserError(f"tfds {name}: objects/bbox: found {layout}, expected REL_YXYX")
    names = list(label.names)
    if not names:
        raise UserError(f"tfds {name}: objects/label: found no class name, expected some")
    return names


def _parts(feature) -> dict:
    """The features of a FeaturesDict by name; of anything else none."""
    return dict(feature.items()) if hasattr(feature, "items") else {}


def _kind(feature) -> str:
    return type(feature).__name__ if feature is not None else "nothing"


def _check_types(name: str, features) -> None:
    for key, spec in features.tf_example_spec.items():
        if key in _OPTIONAL and spec.dtype.name != _OPTIONAL[key]:
            raise UserError(
                f"tfds {name}: {key} is {spec.dtype.name}, expected {_OPTIONAL[key]} to read it "
                "in place: build records with --format=tfds"
            )
