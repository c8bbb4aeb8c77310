"""Weights of classes in the losses: an error of a rare class may count more often."""

import tensorflow as tf


def class_weight(classes: tf.Tensor, weights: tuple[float, ...]) -> tf.Tensor | float:
    """The factor of the class error of each box.

    Args:
      classes: [...] int32 in -1..C-1; -1 is background or padding and counts once.
      weights: of the C classes; none: all count once.

    Returns:
      [...] float32.
    """
    if not weights:
        return 1.0
    return tf.gather(tf.constant((1.0, *weights), tf.float32), classes + 1)
