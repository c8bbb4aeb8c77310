"""The endless, reproducible stream of training records: order, sharing out, resuming."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from yolo_tf.data.record_files import record_lengths
from yolo_tf.errors import UserError

_AUTO = tf.data.AUTOTUNE
_PARSED_AT_ONCE = 16  # records
_FILES_AT_ONCE = 8  # read in turns, so that neighbours in a file are not neighbours in a batch


@dataclass(frozen=True)
class Share:
    """The part of one input pipeline among those of `tf.distribute`."""

    pipelines: int = 1  # in all
    index: int = 0  # of this one
    replicas: int = 1  # fed by this one

    @classmethod
    def of(cls, context: tf.distribute.InputContext | None) -> "Share":
        if context is None:
            return cls()
        pipelines = context.num_input_pipelines
        replicas = context.num_replicas_in_sync // pipelines
        return cls(pipelines, context.input_pipeline_id, replicas)

    def per_replica(self, batch_size: int) -> int:
        """Images a step for each replica, `batch_size` being that of all."""
        replicas = self.pipelines * self.replicas
        if batch_size < 1 or batch_size % replicas:
            raise UserError(
                f"train.batch_size is {batch_size}: expected a multiple of the number of "
                f"replicas, {replicas}"
            )
        return batch_size // replicas


def endless_stream(
    paths: list[str],
    parse: Callable,
    *,
    seed: int,
    buffer: int,
    done: int = 0,
    decode: Callable | None = None,
    share: Share | None = None,
) -> tf.data.Dataset:
    """Every record once an epoch, in an order that depends on (seed, epoch) alone, for ever.

    Files are shuffled and read in turns, then records are shuffled within `buffer`. Several
    pipelines share out the files, or the records where there are fewer files than pipelines.

    Args:
      paths: the shards, the same for all pipelines.
      parse: serialized records [B] -> a nest of [B, ...], their examples.
      done: examples of the stream to leave out at its start; they are not parsed.
      decode: example -> example, kept in memory from the first epoch on; None: nothing is kept.
        With it even the examples left out are decoded once, and files are read in their own order.
      share: the part of this pipeline; None: all.

    Returns:
      Pairs (index, example); index int64 is the running number in this stream, first `done`.
    """
    share = share or Share()
    by_file = len(paths) >= share.pipelines
    own_paths = paths[share.index :: share.pipelines] if by_file else paths
    own_records = count_records(own_paths)
    if not by_file:
        own_records = len(range(share.index, own_records, share.pipelines))
    if not own_records:
        raise UserError(f"{own_paths[0]}: no records for input pipeline {share.index} to read")

    def read(files):
        records = files.interleave(
            tf.data.TFRecordDataset,
            cycle_length=min(len(own_paths), _FILES_AT_ONCE),
            num_parallel_calls=_AUTO,
            deterministic=True,
        )
        return records if by_file else records.shard(share.pipelines, share.index)

    files = tf.data.Dataset.from_tensor_slices(own_paths)
    cached = None
    if decode:
        examples = read(files).batch(_PARSED_AT_ONCE).map(parse, num_parallel_calls=_AUTO)
        cached = examples.unbatch().map(decode, num_parallel_calls=_AUTO).cache()

    def epoch(number):
        # TensorFlow mixes its global seed into the order; a fixed one (of this function's graph
        # alone, and not 0, with which a tensor as seed fails) leaves it to ours.
        tf.random.set_seed(1)

        def shuffle(dataset, size):
            order = 1_000_003 * (seed % 2**31) + number
            return dataset.shuffle(size, seed=order, reshuffle_each_iteration=False)

        examples = shuffle(cached if decode else read(shuffle(files, len(own_paths))), buffer)
        # Numbered here and not by `enumerate`: the workers of a tf.data service take an epoch
        # each, and each knows its numbers.
        numbers = tf.data.Dataset.range(number * own_records, (number + 1) * own_records)
        return tf.data.Dataset.zip((numbers, examples))

    first_epoch, skipped = divmod(done, own_records)
    stream = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max // own_records)
    endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    stream = stream.flat_map(epoch).skip(skipped).apply(endless)
    if decode:
        return stream
    records = stream.batch(_PARSED_AT_ONCE)
    return records.map(lambda i, r: (i, parse(r)), num_parallel_calls=_AUTO).unbatch()


def count_records(paths: list[str]) -> int:
    """The number of records, from their lengths alone: the records are skipped, not read.

    Raises:
      UserError: a file is missing or truncated.
    """
    return sum(1 for path in paths for _ in record_lengths(path))
