"""Multi-scale training: which input size a step has (SPEC 9, Darknet's random=1)."""

import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.errors import UserError


def input_sizes(config: AugmentConfig, input_size: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """(height, width) of each size in the recipe; `input_size` alone without multi-scale.

    Raises:
      UserError: a height does not give a whole width.
    """
    height, width = input_size
    found = []
    for other in config.sizes or (height,):
        if other < 1 or other * width % height:
            raise UserError(
                f"data.augment.sizes: found {other}, expected heights that give a whole width at"
                f" the aspect of input_size {height}x{width}"
            )
        found.append((other, other * width // height))
    return tuple(dict.fromkeys(found))


def size_of_step(
    seed: int, step: tf.Tensor, sizes: tuple[tuple[int, int], ...], every: int
) -> tf.Tensor:
    """The place in `sizes` of the size of a step, [] int32: a pure function of (seed, step)."""
    number = tf.cast(step // every, tf.int32)
    # A seed of its own: (seed, number) is that of the stream's image of this number.
    seeds = tf.stack([tf.constant((seed + 104_729) % 2**31, tf.int32), number])
    return tf.random.stateless_uniform([], seeds, 0, len(sizes), tf.int32)
