"""Repeat-factor sampling: images with rare classes come more often (LVIS, arXiv:1908.03195).

A class c that is in a share f(c) of the images has the factor r(c) = max(1, sqrt(t / f(c))), an
image the largest factor of its classes, and 1 without boxes. LVIS makes its epochs longer by this;
here an epoch keeps its length, so steps, schedules and resuming stay as they are, and images
without rare classes are left out of some epochs.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from yolo_tf.data.records.files import count_records
from yolo_tf.data.records.open_records import Records


def repeat_factors(records: Records, threshold: float) -> np.ndarray:
    """[records] float64, at least 1, in the order of the files.

    Args:
      records: of the training.
      threshold: t, the share of images below which a class counts as rare. Crowd boxes and
        padding do not count.
    """
    present = records.presence
    shares = np.maximum(present.mean(axis=0), 1 / max(len(present), 1))
    factors = np.maximum(1.0, np.sqrt(threshold / shares))
    return np.where(present, factors, 1.0).max(axis=1, initial=1.0)


class Copies:
    """How often each record comes in each epoch: a pure function of (seed, epoch).

    The factors, scaled to a sum of the number of records, lie end to end on a line; a record comes
    as often as its piece has points of the grid of whole numbers, shifted by a random number
    (systematic sampling). So the number of all is exact, and that of each right on average.
    """

    def __init__(self, paths: list[str], own_paths: list[str], repeats: np.ndarray, seed: int):
        """`repeats` [records of `paths`]; `own_paths`: those of them that are read here."""
        counts = {path: count_records([path]) for path in paths}
        ends = dict(zip(paths, np.cumsum(list(counts.values())), strict=True))
        own = [repeats[ends[path] - counts[path] : ends[path]] for path in own_paths]
        line = np.cumsum(np.concatenate(own))
        line *= len(line) / line[-1]
        line[-1] = len(line)
        self._line, self._seed = tf.constant([0.0, *line], tf.float64), seed % 2**31
        self._paths = tf.constant(own_paths)
        self._starts = tf.constant(np.cumsum([0, *map(len, own)]), tf.int64)

    def of_epoch(self, number: tf.Tensor) -> Callable:
        """Function: file -> dataset of the int64 copies of each of its records."""
        seeds = tf.stack([tf.constant(self._seed, tf.int64), tf.cast(number, tf.int64)])
        shift = tf.random.stateless_uniform([], seeds, dtype=tf.float64)
        points = tf.cast(tf.floor(self._line + shift), tf.int64)
        copies = points[1:] - points[:-1]

        def of_file(path):
            index = tf.argmax(self._paths == path)
            return tf.data.Dataset.from_tensor_slices(
                copies[self._starts[index] : self._starts[index + 1]]
            )

        return of_file

    @staticmethod
    def repeated(examples: tf.data.Dataset, copies: tf.data.Dataset) -> tf.data.Dataset:
        """Each example as often as the number beside it says."""

        def repeat(example, count):
            return tf.data.Dataset.from_tensors(example).repeat(count)

        return tf.data.Dataset.zip((examples, copies)).flat_map(repeat)
