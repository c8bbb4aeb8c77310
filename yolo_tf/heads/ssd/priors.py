"""Priors: the boxes that an SSD starts from, called default boxes in its paper.

Boxes are coded as offsets from them. Source: W. Liu et al., "SSD: Single Shot MultiBox Detector",
2016, arXiv:1512.02325; the variances are those of the authors' code (algorithms.md 2.8).
"""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

_CENTRE = (0.5, 0.5)


def prior_shapes(
    aspect_ratios: Sequence[float],
    scale: float,
    next_scale: float,
    larger_square: bool = True,
) -> np.ndarray:
    """(width, height) of the priors of a level, in the unit of the scales.

    Args:
      aspect_ratios: width / height of each, in the order of the output's channels.
      scale: side of the square prior.
      next_scale: `scale` of the next coarser level.
      larger_square: each ratio of 1 is followed by a square of side sqrt(scale * next_scale).

    Returns:
      [S, 2] float64.
    """
    shapes = []
    for ratio in aspect_ratios:
        shapes.append((scale * math.sqrt(ratio), scale / math.sqrt(ratio)))
        if ratio == 1 and larger_square:
            shapes.append((math.sqrt(scale * next_scale),) * 2)
    return np.array(shapes, np.float64)


def level_priors(
    shapes: np.ndarray,
    grid: tuple[int, int],
    step: tuple[float, float],
    offset: tuple[float, float] = _CENTRE,
) -> np.ndarray:
    """The priors of a level: every shape in every cell.

    Args:
      shapes: [S, 2] (width, height), pixels.
      grid: (rows, cols).
      step: (down, right) pixels from cell to cell.
      offset: (down, right) centre of the first cell, in steps.

    Returns:
      [rows * cols * S, 4] float64 cxcywh in pixels, by row, column, shape.
    """
    centres = [
        (np.arange(cells) + start) * pixels
        for cells, start, pixels in zip(grid, offset, step, strict=True)
    ]
    y, x = np.meshgrid(*centres, indexing="ij")
    centre = np.broadcast_to(np.stack([x, y], axis=-1)[:, :, None], (*grid, len(shapes), 2))
    size = np.broadcast_to(shapes, centre.shape)
    return np.concatenate([centre, size], axis=-1).reshape(-1, 4)


def clip_priors(priors: np.ndarray, input_size: tuple[int, int]) -> np.ndarray:
    """Cuts priors off at the first and the last pixel, as the reference does.

    Args:
      priors: [P, 4] cxcywh in pixels.
      input_size: (height, width), pixels.

    Returns:
      [P, 4] cxcywh in pixels; sides that lie at or beyond `width` are moved to width - 1.
    """
    half = priors[:, 2:] / 2
    corners = np.concatenate([priors[:, :2] - half, priors[:, :2] + half], axis=1)
    height, width = input_size
    limit = np.array([width, height, width, height])
    corners = np.maximum(np.where(corners >= limit, limit - 1, corners), 0)
    low, high = corners[:, :2], corners[:, 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def normalise(priors: np.ndarray, input_size: tuple[int, int]) -> np.ndarray:
    """[P, 4] cxcywh from pixels to shares of the input, float32."""
    height, width = input_size
    return (priors / [width, height, width, height]).astype(np.float32)


# exp(10) is a box 22,000 times its prior: beyond any image, before any overflow.
_MAX_EXP = 10.0
_LEAST_SIZE = 1e-9  # so that the logarithm of a padding box is a number


def encode_offsets(boxes: tf.Tensor, priors: tf.Tensor, variances) -> tf.Tensor:
    """Offsets of boxes from their priors.

    Args:
      boxes: [..., 4] cxcywh.
      priors: [..., 4] cxcywh in the same unit.
      variances: 4 numbers, the unit of x, y, width and height.

    Returns:
      [..., 4]: shift of the centre in prior sizes and logarithm of the growth, over the variances.
    """
    shift = (boxes[..., :2] - priors[..., :2]) / priors[..., 2:]
    growth = tf.math.log(tf.maximum(boxes[..., 2:], _LEAST_SIZE) / priors[..., 2:])
    return tf.concat([shift, growth], axis=-1) / tf.constant(variances, tf.float32)


def decode_offsets(offsets: tf.Tensor, priors: tf.Tensor, variances) -> tf.Tensor:
    """The inverse of `encode_offsets`: [..., 4] cxcywh in the unit of the priors."""
    scaled = offsets * tf.constant(variances, tf.float32)
    centre = scaled[..., :2] * priors[..., 2:] + priors[..., :2]
    size = tf.exp(tf.minimum(scaled[..., 2:], _MAX_EXP)) * priors[..., 2:]
    return tf.concat([centre, size], axis=-1)
