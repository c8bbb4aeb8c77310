"""The endless, reproducible stream of training records: order, sharding, resuming.

For accelerators that one machine starves, the workers of a tf.data service can prepare batches. A
dispatcher hands the epochs of the stream to its workers, an epoch each, and every worker reads the
records by the same paths and does everything up to the targets. Over the epochs every record comes
as often as any other. But:
  - batches come in the order in which workers deliver them, so runs with several workers do not
    repeat each other, and several epochs may be under way at the same time;
  - when a run is resumed, whole epochs are skipped exactly; of the rest, every worker skips as
    many examples of the first epoch that it takes.
Start it with tf.data.experimental.service.{DispatchServer, WorkerServer}: docs/augmentation.md.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from yolo_tf.data.input.repeats import Copies
from yolo_tf.data.records.files import count_records
from yolo_tf.errors import UserError, check_choice

_AUTO = tf.data.AUTOTUNE
_PARSED_AT_ONCE = 16  # records
_FILES_AT_ONCE = 8  # read in turns, so that neighbours in a file are not neighbours in a batch
SHARDS = ("auto", "files", "data")


@dataclass(frozen=True)
class InputShard:
    """The part of one input pipeline among those of `tf.distribute`.

    All examples of a training have their places in one order: that in which batches use them. Of
    each batch pipeline 0 has the first places, pipeline 1 the next. So places do not depend on
    the number of pipelines, and neither do random numbers that are made of them.
    """

    pipelines: int = 1  # in all
    index: int = 0  # of this one
    replicas: int = 1  # fed by this one
    images: int = 1  # a step for this one
    by_file: bool = False  # it reads files of its own; else it takes its places of all records

    @classmethod
    def of(
        cls,
        context: tf.distribute.InputContext | None,
        batch_size: int,
        shard: str = "auto",
        paths: list[str] = (),
    ) -> "InputShard":
        """The share of a pipeline; `batch_size` is that of all, `shard` as in `choose_shard`."""
        pipelines, replicas, index = 1, 1, 0
        if context is not None:
            pipelines, index = context.num_input_pipelines, context.input_pipeline_id
            replicas = context.num_replicas_in_sync
        if batch_size < 1 or batch_size % replicas:
            raise UserError(
                f"train.batch_size is {batch_size}: expected a multiple of the number of "
                f"replicas, {replicas}"
            )
        by_file = choose_shard(shard, paths, pipelines)[0] == "files" and pipelines > 1
        return cls(pipelines, index, replicas // pipelines, batch_size // pipelines, by_file)

    def has(self, place):
        """Whether a place, int64, is one of this pipeline's."""
        return place // self.images % self.pipelines == self.index

    def place(self, number):
        """The place of this pipeline's `number`-th example, int64."""
        step, within = number // self.images, number % self.images
        return (step * self.pipelines + self.index) * self.images + within


def choose_shard(shard: str, paths: list[str], pipelines: int) -> tuple[str, str]:
    """How pipelines share the records out, "files" or "data", and why, for the overview.

    Raises:
      UserError: `shard` is not known, or there are fewer files than pipelines to have them.
    """
    check_choice("config.data.shard", shard, SHARDS)
    fewer = f"{len(paths)} file{'s' * (len(paths) > 1)} for {pipelines} input pipelines"
    if shard == "files" and len(paths) < pipelines:
        raise UserError(
            f"data.shard is 'files', but there is {fewer}: expected at least one each; build the"
            " records with more shards, or set data.shard to data"
        )
    if shard != "auto":
        return shard, "as config.data.shard says"
    if not any("://" in path for path in paths):
        return "data", "the files are near; one process would see the same batches"
    if len(paths) < pipelines:
        return "data", f"{fewer}; each reads all of them: build with more shards"
    return "files", "the files are far away"


def shuffled_records(
    paths: list[str],
    parse: Callable,
    *,
    seed: int,
    buffer: int,
    done: int = 0,
    decode: Callable | None = None,
    input_shard: InputShard | None = None,
    repeats: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Every record once an epoch, in an order that depends on (seed, epoch) alone; endless.

    Files are shuffled and read in turns, then records are shuffled within `buffer`. What is not
    of this pipeline's share is left out before it is parsed.

    Args:
      paths: the shards, the same for all pipelines.
      parse: serialized records [B] -> a nest of [B, ...], their examples.
      done: examples of this share to leave out at its start, whole steps; they are not parsed.
      decode: example -> example, kept in memory from the first epoch on; None: nothing is kept.
        With it even the examples left out are decoded once, those of other pipelines too unless
        it shares by file; files are read in their own order.
      input_shard: the part of this pipeline; None: all.
      repeats: [records of `paths`, in their order] how often each comes relative to the others,
        see `repeats`; an epoch keeps its length. None: each comes once.

    Returns:
      Pairs (place, example); place int64 counts from 0 in the order of all pipelines.
    """
    input_shard = input_shard or InputShard()
    own_paths = paths[input_shard.index :: input_shard.pipelines] if input_shard.by_file else paths
    own_records = count_records(own_paths)
    if not own_records:
        raise UserError(
            f"{own_paths[0]}: no records for input pipeline {input_shard.index} to read"
        )

    def read(files, of_file=tf.data.TFRecordDataset):
        return _in_turns(files, min(len(own_paths), _FILES_AT_ONCE), of_file)

    files = tf.data.Dataset.from_tensor_slices(own_paths)
    copies = Copies(paths, own_paths, repeats, seed) if repeats is not None else None
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

        in_turns = files if decode else shuffle(files, len(own_paths))
        examples = cached if decode else read(in_turns)
        if copies:
            examples = copies.repeated(examples, read(in_turns, copies.of_epoch(number)))
        examples = shuffle(examples, buffer)
        # Numbered here and not by `enumerate`: the workers of a tf.data service take an epoch
        # each, and each knows its numbers.
        numbers = tf.data.Dataset.range(number * own_records, (number + 1) * own_records)
        return tf.data.Dataset.zip((numbers, examples))

    by_place = input_shard.pipelines > 1 and not input_shard.by_file
    first_epoch, skipped = divmod(done * input_shard.pipelines if by_place else done, own_records)
    stream = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max // own_records)
    endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    stream = stream.flat_map(epoch).skip(skipped).apply(endless)
    if by_place:
        stream = stream.filter(lambda number, _: input_shard.has(number)).apply(endless)
    elif input_shard.by_file:
        stream = stream.map(lambda number, example: (input_shard.place(number), example))
    if decode:
        return stream
    records = stream.batch(_PARSED_AT_ONCE)
    return records.map(lambda i, r: (i, parse(r)), num_parallel_calls=_AUTO).unbatch()


def _in_turns(files, at_once, of_file):
    """The elements of the files' datasets, of some files by turns."""
    return files.interleave(
        of_file, cycle_length=at_once, num_parallel_calls=_AUTO, deterministic=True
    )


_PREFIX = "grpc://"
_TIMEOUT = 10.0  # seconds


def distribute(batches: tf.data.Dataset, address: str) -> tf.data.Dataset:
    """The same batches, prepared by the workers of the dispatcher at grpc://host:port."""
    service = tf.data.experimental.service
    return batches.apply(
        service.distribute(processing_mode=service.ShardingPolicy.DYNAMIC, service=address)
    )


def check_service(address: str) -> None:
    """Raises `UserError` unless a dispatcher, or something, answers at the address."""
    host, colon, port = address.removeprefix(_PREFIX).rpartition(":")
    if not address.startswith(_PREFIX) or not host or not colon or not port.isdigit():
        raise UserError(
            f"data.service is {address!r}: expected the address of a dispatcher, grpc://host:port"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _TIMEOUT).close()
    except (OSError, OverflowError) as error:
        raise UserError(
            f"data.service={address}: no dispatcher answers ({error}); start one, or leave"
            " data.service empty"
        ) from None
