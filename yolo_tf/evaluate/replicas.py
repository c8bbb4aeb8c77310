"""An evaluation shared out over the replicas of a strategy, each image scored once."""

from collections.abc import Callable, Iterator

import tensorflow as tf

_NUMBERS = ("boxes", "classes", "area", "window", "original_size")
_FLAGS = ("difficult", "crowd")


def detect_on_replicas(
    strategy: tf.distribute.Strategy, dataset: tf.data.Dataset, batch_size: int, detect: Callable
) -> Iterator[tuple[dict, dict]]:
    """Batches and what was found in them, gathered from all replicas of all processes.

    The last batch is filled up with copies of its first image, which are left out of the result,
    so every replica has as much to do as the others and shapes are static.

    Args:
      dataset: batches of `data.pipeline.evaluation_dataset`.
      batch_size: of the dataset; a multiple of the number of replicas.
      detect: batch of one replica, with "real" [b] bool, true for images that count -> detections.

    Yields:
      (batch, found): as from the data set, without its texts, and from `detect`.
    """

    def fill(batch):
        numbers = {k: v for k, v in batch.items() if k != "source_id"}
        count = tf.shape(batch["window"])[0]
        rows = tf.where(tf.range(batch_size) < count, tf.range(batch_size), 0)

        def filled(value):
            value = tf.gather(value, rows)
            return tf.ensure_shape(value, [batch_size, *value.shape[1:]])

        return {**tf.nest.map_structure(filled, numbers), "real": tf.range(batch_size) < count}

    options = tf.data.Options()
    # By data: there may be fewer files than processes.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    shares = strategy.experimental_distribute_dataset(dataset.map(fill).with_options(options))

    @tf.function(reduce_retracing=True)
    def step(batch):
        return strategy.run(lambda share: (_seen(share), detect(share)), args=(batch,))

    for share in shares:
        batch, found = tf.nest.map_structure(
            lambda value: strategy.gather(value, axis=0).numpy(), step(share)
        )
        real = batch.pop("real").astype(bool)
        batch |= {name: batch[name].astype(bool) for name in _FLAGS}
        yield tuple({name: value[real] for name, value in part.items()} for part in (batch, found))


def _seen(share: dict) -> dict:
    """What scoring reads. Flags as int32: not every collective operation knows bool."""
    flags = {name: tf.cast(share[name], tf.int32) for name in ("real", *_FLAGS)}
    return {name: share[name] for name in _NUMBERS} | flags
