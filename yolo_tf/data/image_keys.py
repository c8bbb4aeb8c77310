"""Images by number: accelerators take no strings, so a training step carries a key instead."""

import tensorflow as tf

from yolo_tf.data.tfrecord import find_shards, label_table, parse_example

_BUCKETS = 2**62


def image_key(source_id: tf.Tensor) -> tf.Tensor:
    """[...] string -> [...] int64, never 0."""
    return tf.strings.to_hash_bucket_fast(source_id, _BUCKETS) + 1


def find_images(pattern: str, class_names: list[str], keys: list[int]) -> list[str]:
    """The source ids that belong to keys, by reading the records again; each once."""
    table = label_table(class_names)
    wanted, found = set(keys), []
    records = tf.data.TFRecordDataset(find_shards(pattern))
    ids = records.map(lambda record: parse_example(record, table)["source_id"])
    for source_id in ids:
        if int(image_key(source_id)) in wanted:
            found.append(source_id.numpy().decode(errors="replace"))
    return list(dict.fromkeys(found))
