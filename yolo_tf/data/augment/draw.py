"""Random numbers of training examples, a pure function of their seeds."""

import tensorflow as tf

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
