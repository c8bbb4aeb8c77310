"""Turns annotated images into TFRecord shards, checking every image and box.

  scripts/build_tfrecords.py --input=images --output=records --name=cells

knows the layout by its contents, says what it is, and builds all splits of it, or a split for
validation where there are none: records/cells-train.tfrecord-00000-of-00001 ... The data set card
records/cells.json has the class list, counts, and everything that was skipped or mended, with
file, field and reason. One split, of a format that is given:

  scripts/build_tfrecords.py --format=voc --input=VOCdevkit/VOC2012 --split=train \\
      --output=records --name=voc --shards=8

Formats, whatever folders and files are called:
  voc     XML of Pascal VOC: with ImageSets/, without, or beside the images
  coco    JSON of COCO, and images in any folder
  yolo    text labels: data.yaml of any name, Darknet's .data file, lists or folders
  csv     a box a row: Object Detection API, RetinaNet, Open Images, MakeSense, VoTT
  keras_list  path x1,y1,x2,y2,class ... a line
  cvat, labelme, via, kitti, createml   the formats of these tools
  tfds    INPUT is a prepared data set of TensorFlow Datasets, such as voc/2012; --data_dir
  tfrecord  INPUT is a pattern of TFRecords of the TF Object Detection API; --labels
  shapes  drawn on the spot: --images, --size, --seed; no --input. For experiments.
docs/data_formats.md tells which export of which tool to choose, and shows each format.

The build stops at the first image or box that cannot be used and says why. With --skip_bad such
images and boxes are left out, counted and listed. Zero-area boxes are always skipped.
An interrupted build resumes when the same command is given again: finished shards
are kept, and the result is the same to the byte. docs/building_records.md tells how, and of Beam.
Images are JPEG or PNG, 8 bits, RGB or grey; what else can be brought to that is stored as RGB PNG,
images that EXIF turns are stored upright, and both are listed.
"""

import os
import re

from absl import flags

from yolo_tf.cli import common
from yolo_tf.data.build.open_data import Division
from yolo_tf.data.sources import SOURCES
from yolo_tf.data.sources.base import Options
from yolo_tf.errors import UserError

FORMAT = flags.DEFINE_string(
    "format",
    "auto",
    f"Format of the data: auto (known by its contents), {', '.join(SOURCES)}.",
)
INPUT = flags.DEFINE_string(
    "input", "", "Data folder; a file, pattern or name with the formats that say so."
)
SPLIT = flags.DEFINE_list(
    "split", [], "Splits to build, as the data name them: train,val2017; empty: all that they have."
)
VAL_FRACTION = flags.DEFINE_float(
    "val_fraction",
    None,
    "Share of the images for validation where the data have no splits, chosen by their contents, "
    "0.2 where not given; of data with one split alone only where given. 0: all are in train.",
)
SPLIT_LIST = flags.DEFINE_string(
    "split_list",
    "",
    "A list 'SPLIT<tab>IMAGE' a line, such as OUTPUT/NAME.splits.txt of an earlier build, edited.",
)
CLASSES = flags.DEFINE_list(
    "classes",
    [],
    "Only these classes, in this order, commas between; other boxes are left out.",
)
SINGLE_CLASS = flags.DEFINE_string(
    "single_class", "", "Make all classes one of this name: a detector of objects of any kind."
)
OUTPUT = flags.DEFINE_string("output", None, "Folder for shards and card; made if missing.")
NAME = flags.DEFINE_string("name", None, "Name of the data set: begins the names of the files.")
SHARDS = flags.DEFINE_integer("shards", 1, "Number of files; about 100 MB each is a good size.")
WORKERS = flags.DEFINE_integer(
    "workers", os.cpu_count() or 1, "Processes that read and check images (--runner=local)."
)
RUNNER = flags.DEFINE_enum(
    "runner",
    "local",
    ["local", "beam"],
    "Who builds the shards: this machine, or an Apache Beam pipeline, one shard a task.",
)
BEAM_OPTIONS = flags.DEFINE_list(
    "beam_options",
    [],
    "Options of the Beam pipeline, commas between: runner=FlinkRunner,flink_master=host:8081. "
    "Empty: Beam's DirectRunner.",
)
NAMES = flags.DEFINE_string(
    "names", "", "Class-name file, a name a line, giving the order; empty: as found in the data."
)
LABELS = flags.DEFINE_string(
    "labels",
    "",
    "tfrecord: what labels without class text mean: one_based, coco91, or a label map X.pbtxt; "
    "empty: they count from 0.",
)
DATA_DIR = flags.DEFINE_string(
    "data_dir", "", "tfds: folder of the prepared data sets; empty: TFDS's own default."
)
SKIP_BAD = flags.DEFINE_bool("skip_bad", False, "Leave out and list what cannot be used.")
ONE_BASED = flags.DEFINE_string(
    "voc_one_based",
    "tf2",
    "voc: tf2 takes coordinates as they stand (x = v / width); exact counts pixels from 1, "
    "inclusive (xmin = (v - 1) / width, xmax = v / width).",
)
IMAGE_FOLDER = flags.DEFINE_string(
    "image_folder", "", "Folder to write the images to as well, as files."
)
flags.DEFINE_alias("pictures", "image_folder")  # its former name
IMAGES = flags.DEFINE_integer("images", 100, "shapes: number of images.")
SIZE = flags.DEFINE_list("size", ["160"], "shapes: side in pixels, or HEIGHT,WIDTH.")
SEED = flags.DEFINE_integer("seed", 0, "shapes: another seed draws other images.")


def main(argv):
    del argv
    for flag, example in ((OUTPUT, "records"), (NAME, "cells")):
        if not flag.value:
            raise UserError(f"--{flag.name} is missing, for example --{flag.name}={example}")
    if not INPUT.value and FORMAT.value != "shapes":
        raise UserError("--input is missing: the folder of the data, see --help")
    if BEAM_OPTIONS.value and RUNNER.value != "beam":
        raise UserError("--beam_options: found without --runner=beam, expected both or neither")
    wanted = list(dict.fromkeys(split.strip() for split in SPLIT.value))
    for flag, text in ((NAME, NAME.value), *((SPLIT, split) for split in wanted)):
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", text):
            raise UserError(
                f"--{flag.name}: found {text!r}, expected letters, digits, '_', '.', '-'"
            )
    # Here, not above: worker processes import this module too, and need no TensorFlow.
    from yolo_tf.data.build.open_data import find_data, open_splits

    division = Division(VAL_FRACTION.value, SPLIT_LIST.value, _stem() + ".splits.txt")
    found = find_data(INPUT.value, FORMAT.value)
    sources = open_splits(found, _options(), wanted, division, WORKERS.value)
    _build(sources, len(wanted) == 1)


def _options() -> Options:
    from yolo_tf.data.records.label_map import read_names

    return Options(
        split="",
        input=INPUT.value,
        class_names=tuple(read_names(NAMES.value)) if NAMES.value else None,
        labels=LABELS.value,
        data_dir=DATA_DIR.value,
        voc_one_based=ONE_BASED.value,
        images=IMAGES.value,
        size=_size(SIZE.value),
        seed=SEED.value,
        only_classes=tuple(name.strip() for name in CLASSES.value),
        single_class=SINGLE_CLASS.value,
    )


def _build(sources: dict, alone: bool) -> None:
    from yolo_tf.data.build.build import build

    images = boxes = 0
    for split, source in sources.items():
        image_folder = os.path.join(IMAGE_FOLDER.value, "" if len(sources) == 1 else split)
        shards = SHARDS.value if alone else max(min(SHARDS.value, len(source.ids())), 1)
        entry = build(
            source,
            OUTPUT.value,
            NAME.value,
            split,
            shards,
            WORKERS.value,
            SKIP_BAD.value,
            image_folder if IMAGE_FOLDER.value else None,
            BEAM_OPTIONS.value if RUNNER.value == "beam" else None,
        )
        _report(split, entry)
        images, boxes = images + entry["images"], boxes + entry["boxes"]
    if len(sources) > 1:
        print(f"built {len(sources)} splits, {images} images, {boxes} boxes: {_stem()}.json")


def _stem() -> str:
    return os.path.join(OUTPUT.value, NAME.value)


def _size(values: list[str]) -> tuple[int, int]:
    if len(values) not in (1, 2) or not all(v.strip().isdecimal() for v in values):
        raise UserError(f"--size: found {','.join(values)!r}, expected SIDE or HEIGHT,WIDTH")
    sides = [int(v) for v in values]
    return sides[0], sides[-1]


def _report(split: str, entry: dict) -> None:
    width = max(map(len, entry["boxes_per_class"]))
    for name, count in entry["boxes_per_class"].items():
        print(f"  {name:<{width}} {count:>8}")
    notes = "".join(f"; {action}: {count}" for action, count in entry["counts"].items())
    print(f"{entry['images']} images, {entry['boxes']} boxes{notes}")
    stem, shards = _stem(), entry["shards"]
    print(f"wrote {stem}-{split}.tfrecord-* (shards: {shards}) and {stem}.json")


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
