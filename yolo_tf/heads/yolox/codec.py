"""From raw outputs to boxes and back, all levels in one list of cells (algorithms.md 2.6).

Source: Z. Ge et al., "YOLOX: Exceeding YOLO Series in 2021", 2021, arXiv:2107.08430. Boxes here
are in pixels of the network input.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

# exp(10) is a box 22,000 times its cell: beyond any picture, before any overflow.
_MAX_EXP = 10.0
_EPSILON = 1e-8


class Grid(NamedTuple):
    """The N cells of all levels, by stride, row and column."""

    offsets: np.ndarray  # [N, 2] float32 (col, row)
    strides: np.ndarray  # [N, 1] float32, pixels
    scale: np.ndarray  # [4] float32, (height, width, height, width) of the input, pixels

    @property
    def centres(self) -> np.ndarray:
        """[N, 2] (x, y) of the middle of each cell, pixels."""
        return (self.offsets + np.float32(0.5)) * self.strides

    def take(self, index: tf.Tensor) -> "Grid":
        """The cells at `index` [...] int32."""
        return Grid(tf.gather(self.offsets, index), tf.gather(self.strides, index), self.scale)


def make_grid(shapes: dict[int, tuple[int, int]]) -> Grid:
    """The cells of levels {stride: (rows, cols)}."""
    offsets, strides = [], []
    for stride, (rows, cols) in sorted(shapes.items()):
        y, x = np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij")
        offsets.append(np.stack([x, y], axis=-1).reshape(-1, 2))
        strides.append(np.full([rows * cols, 1], stride))
    stride, (rows, cols) = next(iter(shapes.items()))
    return Grid(
        np.concatenate(offsets).astype(np.float32),
        np.concatenate(strides).astype(np.float32),
        np.array([rows, cols, rows, cols], np.float32) * stride,
    )


def flatten(outputs: dict[int, tf.Tensor]) -> tuple[tf.Tensor, Grid]:
    """Levels {stride: [B, rows, cols, K]} -> float32 [B, N, K] and the grid of its N cells."""
    levels = dict(sorted(outputs.items()))
    grid = make_grid({stride: tuple(raw.shape[1:3]) for stride, raw in levels.items()})
    flat = [
        tf.reshape(raw, [-1, raw.shape[1] * raw.shape[2], raw.shape[3]]) for raw in levels.values()
    ]
    return tf.cast(tf.concat(flat, axis=1), tf.float32), grid


def decode(raw: tf.Tensor, grid: Grid) -> tf.Tensor:
    """[..., N, 4] raw (tx, ty, tw, th) -> boxes_cxcywh [..., N, 4], pixels (algorithms.md 2.6)."""
    centres = (raw[..., :2] + grid.offsets) * grid.strides
    sizes = tf.exp(tf.minimum(raw[..., 2:], _MAX_EXP)) * grid.strides
    return tf.concat([centres, sizes], axis=-1)


def encode(boxes_cxcywh: tf.Tensor, grid: Grid) -> tf.Tensor:
    """The raw values that `decode` would make these boxes [..., N, 4] of, pixels.

    See algorithms.md 2.7.
    """
    centres = boxes_cxcywh[..., :2] / grid.strides - grid.offsets
    sizes = tf.math.log(boxes_cxcywh[..., 2:] / grid.strides + _EPSILON)
    return tf.concat([centres, sizes], axis=-1)
