"""Random numbers of training examples and of input sizes, a pure function of their seeds."""

import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.errors import UserError

# How many numbers each function draws. New ones go to the end: those before keep theirs. Numbers
# are drawn whether they are needed or not, so that no setting changes what another one draws.
_COUNTS = {
    "crop": 5,
    "flip": 2,
    "hsv": 5,
    "affine": 8,
    "mosaic": 8,
    "mixup": 8,
    "erase": 5,
}
_STARTS = {name: sum(list(_COUNTS.values())[:i]) for i, name in enumerate(_COUNTS)}
_TOTAL = sum(_COUNTS.values())


def draw_numbers(seed: tf.Tensor) -> tf.Tensor:
    """All numbers of one example, [_TOTAL] float32 from [0, 1), of its seed [2] int32."""
    return tf.random.stateless_uniform([_TOTAL], seed)


def uniform(example: dict, name: str, low: float = -1.0, high: float = 1.0) -> list[tf.Tensor]:
    """The numbers of one function, from [low, high).

    Args:
      example: "draws" [..., _TOTAL], of `draw_numbers`: one example or a batch.
      name: of the function, a key of _COUNTS.

    Returns:
      As many float32 tensors [...] as the function draws.
    """
    start = _STARTS[name]
    numbers = example["draws"][..., start : start + _COUNTS[name]]
    return tf.unstack(low + numbers * (high - low), axis=-1)


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
