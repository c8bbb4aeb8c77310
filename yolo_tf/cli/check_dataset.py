"""Checks a data set before anything is trained on it: what is in it, and what is wrong with it.

  scripts/check_dataset.py --data='records/cells-train*' --val='records/cells-val*' \\
      --output=checked/cells

reads TFRecords. A data set that is not built yet is read as build_tfrecords reads it, --split
naming the training split first:

  scripts/check_dataset.py --data=VOCdevkit/VOC2012 --split=train,val --output=checked

Prints how many images and boxes were read, tables of classes and sizes, how well the anchors of
the recipe fit, which boxes training leaves out, and the problems, the worst first. Writes to OUTPUT
  check.json      all figures, and the problems, the worst first, with up to 1000 cases of each
  findings.jsonl  every case, one a line: kind, file and record, line or object, what was found
  labels.png      training images with their boxes: look at it before anything else
  problems.png    images with boxes that are wrong (if there are)
  classes.png     boxes of each class
  boxes.png       boxes an image, sizes and places of boxes, anchors

--config names the recipe that is to be trained (default: yolov3_tiny): its input size, resize,
anchors and max_boxes decide what becomes of the boxes. With --strict errors and warnings make the
command end with 1; notes do not. docs/check_dataset.md explains each problem.
"""

import functools
import os

from absl import flags

from yolo_tf.cli import common
from yolo_tf.data.build.open_data import AUTO
from yolo_tf.data.sources import SOURCES
from yolo_tf.errors import UserError, check_choice

DATA = flags.DEFINE_string(
    "data", None, "Training data: a pattern of TFRecord shards, or a data folder of any layout."
)
VAL = flags.DEFINE_string("val", "", "The same for validation. Only for TFRecords.")
TEST = flags.DEFINE_string("test", "", "The same for a test split. Only for TFRecords.")
OUTPUT = flags.DEFINE_string("output", None, "Folder for check.json and images; made if missing.")
NAMES = flags.DEFINE_string(
    "names", "", "Class-name file, a name a line; empty: of the data set card, or as found."
)
FORMAT = flags.DEFINE_string(
    "format", "", f"Read a source: {', '.join(SOURCES)}; of a folder empty: known by its contents."
)
SPLIT = flags.DEFINE_list("split", ["train"], "Of a folder: splits, the training split first.")
LABELS = flags.DEFINE_string(
    "labels", "", "What labels without class text mean: one_based, coco91, a label map X.pbtxt."
)
DATA_DIR = flags.DEFINE_string("data_dir", "", "tfds: folder of the prepared data sets.")
ONE_BASED = flags.DEFINE_string("voc_one_based", "tf2", "voc: tf2 or exact, see build_tfrecords.")
WORKERS = flags.DEFINE_integer(
    "workers", os.cpu_count() or 1, "With --format: processes that check images.", lower_bound=1
)
LOOK = flags.DEFINE_bool(
    "look", True, "Decode TFRecords' images roughly, to find damaged and similar ones."
)
STRICT = flags.DEFINE_bool("strict", False, "End with 1 if there are errors or warnings.")
CONFIG = common.define_config()


def main(argv):
    del argv
    if FORMAT.value != "shapes":
        common.require(data=DATA.value)
    common.require(output=OUTPUT.value)
    _check_flags()
    from pathlib import Path

    from yolo_tf.analysis.check_dataset import check_dataset
    from yolo_tf.analysis.findings import serious
    from yolo_tf.cli.common import recipe_or_default

    config, _ = recipe_or_default(CONFIG)
    from_source = FORMAT.value or common.is_data(DATA.value)
    parts, class_names = _source_parts() if from_source else _record_parts(config)
    output = Path(OUTPUT.value)
    common.make_folder("output", output)
    problems = check_dataset(config, parts, class_names, output)
    bad = len(serious(problems))
    if STRICT.value and bad:
        print(f"--strict: there are errors or warnings of {bad} kinds")
        return 1
    return 0


def _check_flags() -> None:
    from_source = FORMAT.value or common.is_data(DATA.value)
    if FORMAT.value:
        check_choice("--format", FORMAT.value, (AUTO, *SOURCES))
    if from_source and (VAL.value or TEST.value):
        raise UserError("--val and --test are for TFRecords; of a folder give --split=train,val")
    splits = [split.strip() for split in SPLIT.value]
    if not all(splits) or len(set(splits)) < len(splits):
        raise UserError(f"--split: found {','.join(SPLIT.value)!r}, expected names, each once")
    given = [name for name in ("split", "voc_one_based", "data_dir") if flags.FLAGS[name].present]
    if given and not from_source:
        raise UserError(f"--{given[0]} is of use with a data folder alone, or with --format")


def _record_parts(config):
    from yolo_tf.analysis.check_dataset import Part
    from yolo_tf.analysis.readers import card_findings, count_readable, record_facts
    from yolo_tf.data.records.names import find_names
    from yolo_tf.data.records.open_records import Records

    labels = LABELS.value or config.data.labels
    patterns = {"train": DATA.value, "val": VAL.value, "test": TEST.value}
    patterns = {split: pattern for split, pattern in patterns.items() if pattern}
    names = find_names(DATA.value, NAMES.value or config.data.names, labels)
    opened = {
        split: Records.unchecked(pattern, names, labels) for split, pattern in patterns.items()
    }
    parts = [
        Part(
            split,
            records.pattern,
            count_readable(records.paths),
            functools.partial(record_facts, split, records, LOOK.value),
            card_findings(split, records),
        )
        for split, records in opened.items()
    ]
    return parts, names


def _source_parts():
    from yolo_tf.analysis.check_dataset import Part
    from yolo_tf.analysis.readers import sample_facts
    from yolo_tf.data.build.open_data import Division, find_data, open_splits
    from yolo_tf.data.records.label_map import read_names
    from yolo_tf.data.sources.base import Options

    options = Options(
        split="",
        class_names=tuple(read_names(NAMES.value)) if NAMES.value else None,
        labels=LABELS.value,
        data_dir=DATA_DIR.value,
        voc_one_based=ONE_BASED.value,
    )
    found = find_data(DATA.value or "", FORMAT.value or AUTO)
    wanted = [split.strip() for split in SPLIT.value]
    if found.splits is not None and not flags.FLAGS["split"].present:
        wanted = []  # all that the data have
    sources = open_splits(found, options, wanted, Division(val_fraction=0.0))
    parts, names = [], next(iter(sources.values())).class_names
    for split, source in sources.items():
        read = functools.partial(sample_facts, split, source, WORKERS.value, LOOK.value)
        where = f"{DATA.value or FORMAT.value} ({split})"
        parts.append(Part(split, where, len(source.ids()), read, []))
    return parts, list(names)


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
