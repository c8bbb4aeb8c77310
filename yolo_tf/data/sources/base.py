"""What a source is, and the step that every source shares: raw annotation -> checked Sample."""

import functools
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from yolo_tf.data import checks
from yolo_tf.data.checks import Issue
from yolo_tf.data.images import check_image
from yolo_tf.data.records.aliases import aliases_of, said
from yolo_tf.data.records.class_list import say
from yolo_tf.data.sample import Sample
from yolo_tf.errors import nearest


@dataclass(frozen=True)
class Options:
    """Settings of all sources; each takes what it needs."""

    split: str  # "": all images
    input: str = ""  # the data folder, a file in it, a pattern of records, or a name in TFDS
    class_names: tuple[str, ...] | None = None  # None: as found in the data
    labels: str = ""  # tfrecord: what labels without text mean, see data.label_map
    data_dir: str = ""  # tfds: folder of the prepared data sets; "": TFDS's own default
    voc_one_based: str = "tf2"  # tf2 | exact, see sources.voc
    images: int = 100  # shapes: how many
    size: tuple[int, int] = (160, 160)  # shapes: (height, width) pixels
    seed: int = 0  # shapes
    format: str = ""  # key of SOURCES, for `selection.open_source`
    split_list: str = ""  # file that divides the images, see sources.selection
    whole_split: str = ""  # with a split_list: the split of the data that it divides
    only_classes: tuple[str, ...] = ()  # (): all
    single_class: str = ""  # the name of the one class that all become; "": each its own


@dataclass(frozen=True)
class Found:
    """A data set that a source recognises in a folder."""

    format: str  # key of SOURCES
    input: str  # what the source is to be given
    title: str  # what it is, for people
    splits: tuple[str, ...] | None = ()  # as the data name them; (): none; None: not known
    notes: tuple[str, ...] = ()  # lines to tell, such as of a split that is named and not there


class Source(Protocol):
    """One split of a data set. Picklable: every worker process gets a copy.

    The split "" is all that the folder has. `recognise`, a static method that a source may have,
    takes a `Listing` and gives a list of `Found`.

    `options` is what it was made with, `class_names` the class list in index order, `issues` what
    was found wrong while opening the annotations, beyond any one record.
    """

    options: Options
    class_names: list[str]
    issues: list[Issue]

    def files(self) -> list[str]:
        """The files, or folders of files, that it reads: a change in them may change records."""

    def ids(self) -> list[str]:
        """The source_id of every image of the split, in a fixed order, each once."""

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        """One record, checked, with its box-level issues; `BadRecord` if it cannot be used."""


class RawBox(NamedTuple):
    """One object as the annotation has it, unchecked."""

    name: str
    # xmin, ymin, xmax, ymax in pixels from 0; shares of the image's sides in a normalised record
    corners: tuple[float, float, float, float]
    field: str  # its place in the annotation file, for messages
    text: str  # the corners as the annotation has them, for messages
    area: float | None = None  # square pixels; None: of the box
    difficult: bool = False
    truncated: bool = False
    crowd: bool = False
    fault: str = ""  # what was expected in place of `text`, where this is no box at all


def no_box(place: str, text: str, expected: str) -> RawBox:
    """Stands for a part of an annotation that is no box; it is listed, and not in the records."""
    return RawBox("", (math.nan,) * 4, place, text, fault=expected)


def corners_around(points) -> tuple[float, float, float, float]:
    """xmin, ymin, xmax, ymax of the box around (x, y) points; NaN without two points of numbers."""
    values = [(checks.number(x), checks.number(y)) for x, y in points]
    if len(values) < 2 or not all(math.isfinite(v) for point in values for v in point):
        return (math.nan,) * 4
    xs, ys = zip(*values, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


@dataclass
class Entry:
    """What an annotation file says of one image, before the image is found."""

    boxes: list[RawBox] = field(default_factory=list)
    size: tuple | None = None  # (height, width) as declared
    normalised: bool = False  # corners are shares of the image's sides
    image: str = ""  # what it is called, where the file says so
    pixels: bytes | None = None  # the image itself, where the file has it
    issues: list[tuple] = field(default_factory=list)  # (field, found, expected, action)


@dataclass(frozen=True)
class RawRecord:
    """One image with its annotation, unchecked."""

    source_id: str
    file: str  # the annotation file, relative to the data folder
    image_file: str  # the image, relative to the data folder
    image: bytes
    declared_size: tuple | None  # (height, width) as the annotation has it; None: it has none
    boxes: list[RawBox] = field(default_factory=list)
    normalised: bool = False  # corners are shares of the image's sides, not pixels
    upright: bool = True  # boxes are of the upright image, where declared_size does not tell
    filename: str = ""  # of the image; "": that of image_file
    place: str = ""  # in `file`, where that has several records


def make_sample(raw: RawRecord, class_names: list[str]) -> tuple[Sample, list[Issue]]:
    """Checks a raw record. Unusable boxes are left out and returned as issues.

    Raises:
      BadRecord: the image cannot be used.
    """
    image, issues = check_image(
        raw.image, raw.source_id, raw.image_file, raw.declared_size, raw.upright
    )
    if raw.declared_size is not None:
        field = f"{raw.place}, size" if raw.place else "size"
        issues += checks.check_size(raw.declared_size, image, raw.source_id, raw.file, field)
    index = _class_index(tuple(class_names))
    scale = (image.width, image.height) if raw.normalised else (1, 1)
    kept, boxes, areas = [], [], []
    for raw_box in raw.boxes:
        box, problem = _check(raw_box, index, class_names, scale, image)
        if problem:
            place, action, found, expected = problem
            issues.append(Issue(raw.source_id, raw.file, place, found, expected, action))
        if box:
            kept.append(raw_box)
            boxes.append(box)
            ymin, xmin, ymax, xmax = box
            area = (ymax - ymin) * (xmax - xmin) * image.height * image.width
            areas.append(area if raw_box.area is None else raw_box.area)
    sample = Sample(
        source_id=checks.printable(raw.source_id),
        image=image.data,
        image_format=image.format,
        filename=checks.printable(Path(raw.filename or raw.image_file).name),
        height=image.height,
        width=image.width,
        boxes=np.asarray(boxes, np.float32).reshape(-1, 4),
        classes=np.asarray([index[b.name] for b in kept], np.int32),
        difficult=np.asarray([b.difficult for b in kept], bool),
        truncated=np.asarray([b.truncated for b in kept], bool),
        crowd=np.asarray([b.crowd for b in kept], bool),
        area=np.asarray(areas, np.float32),
        annotation=raw.file,
        box_places=tuple(b.field for b in kept),
    )
    return sample, issues


@functools.lru_cache(maxsize=16)
def _class_index(class_names: tuple[str, ...]) -> dict[str, int]:
    """Name -> class, with the other names that a class of the list has."""
    index = {name: i for i, name in enumerate(class_names)}
    return index | {other: index[name] for other, name in aliases_of(class_names).items()}


def _check(raw_box: RawBox, index: dict[str, int], class_names: list[str], scale, image):
    """As `checks.check_box`, with the place in front of a problem's other parts."""
    if raw_box.fault:
        return None, (raw_box.field, checks.BOX_SKIPPED, raw_box.text, raw_box.fault)
    if raw_box.name not in index:
        expected = "a class of the list" + nearest(raw_box.name, list(index))
        place, found = f"{raw_box.field}, class", checks.show(raw_box.name)
        return None, (place, checks.BOX_SKIPPED, found, expected)
    if (own := class_names[index[raw_box.name]]) != raw_box.name:
        say(said(raw_box.name, own))
    xmin, ymin, xmax, ymax = raw_box.corners
    corners = (xmin * scale[0], ymin * scale[1], xmax * scale[0], ymax * scale[1])
    box, problem = checks.check_box(corners, raw_box.text, image.height, image.width)
    return box, (raw_box.field, *problem) if problem else None
