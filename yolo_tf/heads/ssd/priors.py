"""Priors: the boxes that an SSD starts from, called default boxes in its paper.

Source: W. Liu et al., "SSD: Single Shot MultiBox Detector", 2016, arXiv:1512.02325 (SPEC 2(d)).
"""

import math
from collections.abc import Sequence

import numpy as np

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
