"""From TensorFlow's error, or the number of an image, to the record that caused it.

Accelerators take no strings, so a training step carries a number for each image, its key.
"""

from contextlib import contextmanager

import tensorflow as tf

from yolo_tf.data.checks import show
from yolo_tf.data.decode import decode_image
from yolo_tf.data.records.examples import parse_record
from yolo_tf.data.records.files import read_records, record_dataset
from yolo_tf.data.records.open_records import Records
from yolo_tf.data.records.parsing import box_fault, parse_example
from yolo_tf.errors import UserError

# The message of TensorFlow's error may quote bytes of a record, which are no text.
_READ_ERRORS = (tf.errors.DataLossError, tf.errors.InvalidArgumentError, UnicodeDecodeError)


@contextmanager
def readable_errors(*records: Records):
    """Turns a read or decode error inside into a `UserError` that names shard and record.

    TensorFlow's own errors name neither, so the shards are read again up to the first bad record.
    An error that no record accounts for is not the data's and passes unchanged.

    Args:
      records: those that the block reads.
    """
    try:
        yield
    except _READ_ERRORS:
        problem = next(filter(None, map(find_bad_record, records)), None)
        if problem is None:
            raise
        raise UserError(problem) from None


def find_bad_record(records: Records) -> str | None:
    """One line about the first record that cannot be read, parsed or decoded; None if all can.

    Reads and decodes one record after another: for use after an error, not before a run.
    """
    table = records.table()
    try:
        for path, number, record in read_records(records.paths):
            problem = _problem(record, table, classes_matter=bool(records.class_names))
            if problem:
                return f"{path}: record {number}: {problem}"
    except UserError as error:
        return str(error)
    return None


def _problem(record, table, classes_matter: bool):
    try:
        example = parse_example(record, table)
    except tf.errors.InvalidArgumentError as error:
        return f"not a record of this format: {_first_line(error)}"
    except UnicodeDecodeError:
        return f"not a record of this format: {len(record)} bytes that are no tf.train.Example"
    name = example["source_id"].numpy().decode(errors="replace")[:200]
    try:
        decode_image(example["encoded"])
    except tf.errors.InvalidArgumentError as error:
        return f"image {name!r} cannot be decoded: {_first_line(error)}"
    unknown = (example["classes"] < 0).numpy()
    if classes_matter and unknown.any():
        found = _class_of(record, int(unknown.argmax()))
        return f"image {name!r} has a class that is not in the list of names: {found}"
    fault = box_fault(example["boxes"])
    return f"image {name!r}: {fault}" if fault else None


def _class_of(record: bytes, box: int) -> str:
    """What a record says of the class of a box, for a message."""
    parsed = parse_record(record, "", "")
    listed = ("text", parsed.texts) if parsed.texts else ("label", parsed.labels)
    return f"box {box + 1} has the {listed[0]} {show(listed[1][box])}"


def _first_line(error):
    return error.message.splitlines()[0][:200]


_BUCKETS = 2**62


def image_key(source_id: tf.Tensor) -> tf.Tensor:
    """[...] string -> [...] int64, never 0."""
    return tf.strings.to_hash_bucket_fast(source_id, _BUCKETS) + 1


def find_images(records: Records, keys: list[int]) -> list[str]:
    """The source ids that belong to keys, by reading the records again; each once."""
    table = records.table()
    wanted, found = set(keys), []
    dataset = record_dataset(records.paths)
    ids = dataset.map(lambda record: parse_example(record, table)["source_id"])
    for source_id in ids:
        if int(image_key(source_id)) in wanted:
            found.append(source_id.numpy().decode(errors="replace"))
    return list(dict.fromkeys(found))
