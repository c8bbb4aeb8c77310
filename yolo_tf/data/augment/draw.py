"""Random numbers of one training example, a pure function of its seed."""

import tensorflow as tf


def uniform(example: dict, stream: int, count: int, low=-1.0, high=1.0) -> list[tf.Tensor]:
    """`count` float32 scalars from [low, high), from the example's "seed" [2] int32.

    Each function that draws takes a `stream` number of its own, so that no two of them see the
    same numbers and switching one of them off leaves the draws of the others as they were.
    """
    seed = tf.random.experimental.stateless_fold_in(example["seed"], stream)
    return tf.unstack(tf.random.stateless_uniform([count], seed, low, high))
