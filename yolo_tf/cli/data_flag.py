"""--data of the commands: a pattern of records, or data of any layout that become records once."""

import os

from absl import flags

_SUFFIXES = (".yaml", ".yml", ".json", ".csv", ".xml", ".txt", ".data")

RECORDS = flags.DEFINE_string(
    "records",
    "",
    "Folder for the records that --data=FOLDER is built into, once; empty: one beside the run.",
)
SKIP_BAD = flags.DEFINE_bool(
    "skip_bad", False, "With --data=FOLDER: leave out and list images and boxes that are bad."
)


def is_data(path: str) -> bool:
    """Whether --data is a folder or an annotation file, and no pattern of records."""
    return os.path.isdir(path) or (path.lower().endswith(_SUFFIXES) and os.path.isfile(path))


def data_records(path: str, run: str = ""):
    """The `DataRecords` of a folder or file, built where they are not there yet.

    Args:
      run: a run folder, beside which the records lie where --records does not say otherwise.

    Raises:
      UserError: as `open_data`.
    """
    from yolo_tf.data.build.records_cache import open_data

    beside = os.path.dirname(os.path.abspath(run)) if run else os.getcwd()
    records = RECORDS.value or os.path.join(beside, "records")
    workers = os.cpu_count() or 1
    return open_data(path, records, workers=workers, skip_bad=SKIP_BAD.value)


def record_pattern(path: str, split: str, run: str = "") -> str:
    """The pattern of the records of a split; a pattern stays as it is."""
    return data_records(path, run).pattern(split) if is_data(path) else path
