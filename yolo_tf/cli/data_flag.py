"""--data of the commands: a pattern of records, or data of any layout that become records once."""

import os

from absl import flags

from yolo_tf.cli import common

RECORDS = flags.DEFINE_string(
    "records",
    "",
    "Folder for the records that --data=FOLDER is built into, once; empty: one beside the run.",
)
SKIP_BAD = flags.DEFINE_bool(
    "skip_bad", False, "With --data=FOLDER: leave out and list images and boxes that are bad."
)
NAMES = flags.DEFINE_string(
    "names", "", "With --data=FOLDER: class-name file, a name a line, where the data have none."
)
CLASSES = flags.DEFINE_list(
    "classes", [], "With --data=FOLDER: only these classes, in this order, commas between."
)
SINGLE_CLASS = flags.DEFINE_string(
    "single_class", "", "With --data=FOLDER: make all classes one of this name."
)
VAL_FRACTION = flags.DEFINE_float(
    "val_fraction",
    0.2,
    "With --data=FOLDER without a split for validation: share of the images for it, chosen by "
    "their contents. 0: none.",
)


def data_records(path: str, run: str = ""):
    """The `DataRecords` of a folder or file, built where they are not there yet.

    Args:
      run: a run folder, beside which the records lie where --records does not say otherwise.

    Raises:
      UserError: as `open_data`.
    """
    from yolo_tf.data.build.records_cache import open_data
    from yolo_tf.data.records.label_map import read_names
    from yolo_tf.data.sources.base import Options

    options = Options(
        split="",
        class_names=tuple(read_names(NAMES.value)) if NAMES.value else None,
        only_classes=tuple(name.strip() for name in CLASSES.value),
        single_class=SINGLE_CLASS.value,
    )
    beside = os.path.dirname(os.path.abspath(run)) if run else os.getcwd()
    records = RECORDS.value or os.path.join(beside, "records")
    workers = os.cpu_count() or 1
    return open_data(
        path,
        records,
        options=options,
        val_fraction=VAL_FRACTION.value,
        workers=workers,
        skip_bad=SKIP_BAD.value,
    )


def record_pattern(path: str, split: str, run: str = "") -> str:
    """The pattern of the records of a split; a pattern stays as it is."""
    return data_records(path, run).pattern(split) if common.is_data(path) else path
