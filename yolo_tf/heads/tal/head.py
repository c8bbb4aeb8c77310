"""The task-aligned head: no anchors and no objectness, boxes as distributions of their sides."""

import copy
import math

import numpy as np
import tensorflow as tf

from yolo_tf.config import TalHeadConfig
from yolo_tf.config.check import check_choices
from yolo_tf.errors import check_choice
from yolo_tf.heads.base import Head
from yolo_tf.heads.grid import Grid, at_least_one, check_levels, flatten
from yolo_tf.heads.tal import codec
from yolo_tf.heads.tal.assign import OVERLAPS, task_aligned
from yolo_tf.heads.tal.atss import atss
from yolo_tf.heads.tal.loss import BOX_MEASURES, CLASS_LOSSES, PARTS, tal_loss
from yolo_tf.ops.candidates import CandidateConfig, Candidates, best_pairs, split_columns

_PI = 0.01  # the prior of a class under the rule "pi"
_OBJECTS = 5  # that the rule "v8" expects of a level


class TalHead(Head):
    """One box a cell: 4 * bins logits of its sides, then the class logits (arXiv:2108.07755).

    Channel q * bins + k is bin k of side q (left, top, right, bottom), channel 4 * bins + c
    class c. With one bin the four channels give the distances themselves, see `codec`.

    Args:
      config: strides and the settings of assignment and loss.
      num_classes: at least 1.
      input_size: (height, width) pixels, multiples of every stride.

    Raises:
      UserError: a setting is not one of its choices, or there are no levels.
    """

    def __init__(self, config: TalHeadConfig, num_classes: int, input_size: tuple[int, int]):
        check_levels(config.strides, num_classes, input_size)
        check_choices(config, "config.head")
        check_choice("config.head.assign.overlap", config.assign.overlap, OVERLAPS)
        check_choice("config.head.class_loss", config.class_loss, CLASS_LOSSES)
        check_choice("config.head.box_loss", config.box_loss, BOX_MEASURES)
        self.config = config
        self.num_classes = num_classes
        self.input_size = tuple(input_size)
        self._assign = task_aligned

    @property
    def strides(self) -> tuple[int, ...]:
        return tuple(sorted(self.config.strides))

    def for_first_epochs(self) -> tuple[int, "TalHead"]:
        """`static_epochs`, and this head with assignment by place and size (ATSS)."""
        head = copy.copy(self)
        head._assign = atss
        return self.config.static_epochs, head

    def output_channels(self, stride: int) -> int:
        return sum(self.output_parts(stride))

    def output_parts(self, stride: int) -> tuple[int, int]:
        """Sides, classes."""
        del stride
        return 4 * self.config.bins, self.num_classes

    def channel_classes(self, stride: int) -> np.ndarray:
        del stride
        return np.array([-1] * 4 * self.config.bins + list(range(self.num_classes)))

    def output_bias(self, stride: int) -> np.ndarray:
        """Sides of a few strides; the prior of a class."""
        bias = np.zeros([self.output_channels(stride)], np.float32)
        sides = 4 * self.config.bins
        bias[:sides] = np.tile(codec.FALL_OF_BINS * np.arange(self.config.bins), 4)
        if self.config.bins == 1:
            bias[:sides] = codec.START_OF_ONE_BIN
        if self.config.class_prior == "pi":
            bias[sides:] = -math.log((1 - _PI) / _PI)
        else:
            cells = math.prod(self.input_size) / stride**2
            bias[sides:] = math.log(_OBJECTS / self.num_classes / cells)
        return bias

    def encode(self, boxes: tf.Tensor, classes: tf.Tensor) -> dict:
        """The boxes as they are: assignment needs what the network predicts."""
        return {"boxes": boxes, "classes": classes}

    def loss(self, targets: dict, outputs: dict[int, tf.Tensor]) -> dict[str, tf.Tensor]:
        raw, grid = self._flatten(outputs)
        boxes, classes = at_least_one(targets["boxes"], targets["classes"])
        return tal_loss(boxes * grid.scale, classes, raw, grid, self.config, self._assign)

    def decode(self, outputs: dict[int, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Levels in ascending stride, each by row and column; a score is that of the class."""
        raw, grid = self._flatten(outputs)
        sides, logits = split_columns(raw, 4 * self.config.bins)
        return self._boxes(sides, grid), tf.sigmoid(logits)

    def candidates(self, outputs: dict[int, tf.Tensor], config: CandidateConfig) -> Candidates:
        """Searches the class logits, and decodes the sides of what it finds alone."""
        raw, grid = self._flatten(outputs)
        sides, logits = split_columns(raw, 4 * self.config.bins)
        pairs = best_pairs(logits, config, activation=tf.sigmoid)
        sides = tf.gather(sides, pairs.index, batch_dims=1)
        return pairs.candidates(self._boxes(sides, grid.take(pairs.index)))

    def value_names(self) -> list[str]:
        parts = PARTS if self.config.bins > 1 else PARTS[:-1]
        return ["loss", *parts, "avg_iou", "foregrounds"]

    def _flatten(self, outputs: dict[int, tf.Tensor]) -> tuple[tf.Tensor, Grid]:
        return flatten({stride: outputs[stride] for stride in self.strides})

    def _boxes(self, raw_sides: tf.Tensor, grid: Grid) -> tf.Tensor:
        """[B, N, 4 * bins] raw -> [B, N, 4] yxyx normalised."""
        sides = codec.distances(raw_sides, self.config.bins)
        return codec.decode(sides, grid) / grid.scale
