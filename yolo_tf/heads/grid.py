"""What anchor-free heads share: the cells of all levels in one list, and checks of both."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from yolo_tf.config.check import check_multiple
from yolo_tf.errors import UserError


class Grid(NamedTuple):
    """The N cells of all levels, by stride, row and column."""

    offsets: np.ndarray  # [N, 2] float32 (col, row)
    strides: np.ndarray  # [N, 1] float32, pixels
    scale: np.ndarray  # [4] float32, (height, width, height, width) of the input, pixels

    @property
    def centres(self) -> np.ndarray:
        """[N, 2] (x, y) of the middle of each cell, pixels."""
        return (self.offsets + np.float32(0.5)) * self.strides

    @property
    def level_sizes(self) -> list[int]:
        """Cells of each level, by ascending stride."""
        return np.unique(self.strides, return_counts=True)[1].tolist()

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


def at_least_one(boxes: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """With a row of padding where a batch has no row: validation pads to the fullest image.

    Args:
      boxes: [B, M, 4]; all-zero rows are padding.
      classes: [B, M] int32; -1 is padding.
    """
    limit = boxes.shape[1] if boxes.shape[1] is not None else tf.shape(boxes)[1]
    missing = max(1 - limit, 0) if isinstance(limit, int) else tf.maximum(1 - limit, 0)
    boxes = tf.pad(boxes, [[0, 0], [0, missing], [0, 0]])
    return boxes, tf.pad(classes, [[0, 0], [0, missing]], constant_values=-1)


def check_levels(strides: tuple[int, ...], num_classes: int, input_size: tuple[int, int]) -> None:
    """Raises a UserError without levels or classes, or where a stride does not divide the input."""
    if num_classes < 1:
        raise UserError(f"number of classes: found {num_classes}, expected at least 1")
    if not strides or len(set(strides)) != len(strides):
        raise UserError(
            f"config.head.strides: found {tuple(strides)}, expected those of the network's"
            " outputs, each once"
        )
    for stride in strides:
        check_multiple(input_size, stride, "the stride")
