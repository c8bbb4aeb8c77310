"""An evaluation shared out over the replicas of a strategy, each image scored once."""

from collections.abc import Callable, Iterator

import tensorflow as tf

_NUMBERS = ("boxes", "classes", "area", "window", "original_size")
_FLAGS = ("difficult", "crowd")


class DetectionsOnReplicas:
    """Batches and what was found in them, gathered from all replicas of all processes.

    Iterated, it gives (batch, found): as from the data set, without its texts, and from `detect`.
    Each time all images anew; what is traced is traced once.

    Args:
      dataset_of: `data.pipeline.evaluation_dataset` for the context of a process.
      detect: batch of one replica, with "real" [b] bool, true for images that count -> detections.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        dataset_of: Callable[[tf.distribute.InputContext], tf.data.Dataset],
        detect: Callable,
    ):
        def numbers(batch):
            return {name: value for name, value in batch.items() if name != "source_id"}

        def step(batch):
            return strategy.run(lambda share: (_seen(share), detect(share)), args=(batch,))

        self._strategy = strategy
        self._shares = strategy.distribute_datasets_from_function(
            lambda context: dataset_of(context).map(numbers)
        )
        self._step = tf.function(step, autograph=False, reduce_retracing=True)

    def __iter__(self) -> Iterator[tuple[dict, dict]]:
        for share in self._shares:
            batch, found = tf.nest.map_structure(
                lambda value: self._strategy.gather(value, axis=0).numpy(), self._step(share)
            )
            real = batch.pop("real").astype(bool)
            batch |= {name: batch[name].astype(bool) for name in _FLAGS}
            yield tuple(
                {name: value[real] for name, value in part.items()} for part in (batch, found)
            )


def _seen(share: dict) -> dict:
    """What scoring reads. Flags as int32: not every collective operation knows bool."""
    flags = {name: tf.cast(share[name], tf.int32) for name in ("real", *_FLAGS)}
    return {name: share[name] for name in _NUMBERS} | flags
