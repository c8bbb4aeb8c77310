"""Sums over all replicas of a strategy.

Losses that divide by counts over the global batch need them: `Head.loss` gives numbers by image,
which the caller sums on every replica and divides by the global batch. A loss that divides by, say,
all positives takes their count over all replicas, and then multiplies its numbers by image by
`global_batch`, so that their mean is the wanted quotient.
"""

import tensorflow as tf


def global_sum(value: tf.Tensor) -> tf.Tensor:
    """The sum of `value` over all replicas; `value` itself outside of `tf.distribute`.

    Args:
      value: a tensor, of one shape on every replica. All replicas must get here.

    Returns:
      The same shape and type; a constant in the gradient.
    """
    # Also for speed: were it differentiable, TensorFlow would search the graphs of the other
    # replicas for variables at each call, which takes minutes in a large network.
    value = tf.stop_gradient(value)
    if _replicas() == 1:
        return value
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def global_batch(batch) -> tf.Tensor:
    """Images of the global batch, float32, from those of one replica; all have equal shares."""
    return tf.cast(batch * _replicas(), tf.float32)


def _replicas() -> int:
    # No context: not inside of `strategy.run`, as where the loss is called by hand.
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1
