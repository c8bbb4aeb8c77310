"""The head of YOLOX: no anchors, cells matched to truths by what they predict."""

import copy
import dataclasses
import math

import numpy as np
import tensorflow as tf

from yolo_tf.config import YoloxHeadConfig
from yolo_tf.config.check import check_choices
from yolo_tf.errors import check_choice
from yolo_tf.heads.base import Head
from yolo_tf.heads.grid import Grid, at_least_one, check_levels, flatten
from yolo_tf.heads.yolox import codec
from yolo_tf.heads.yolox.loss import (
    BOX_ERRORS,
    PARTS,
    yolox_loss,
)
from yolo_tf.ops.boxes import cxcywh_to_yxyx
from yolo_tf.ops.candidates import CandidateConfig, Candidates, best_pairs, split_columns

_PRIOR = 0.01  # probability of an object, and of each class, before anything is learnt


class YoloxHead(Head):
    """One box a cell: tx, ty, tw, th, objectness and class logits (arXiv:2107.08430).

    Args:
      config: strides and the settings of matching and loss.
      num_classes: at least 1.
      input_size: (height, width) pixels, multiples of every stride.

    Raises:
      UserError: a setting is not one of its choices, or there are no levels.
    """

    def __init__(self, config: YoloxHeadConfig, num_classes: int, input_size: tuple[int, int]):
        check_levels(config.strides, num_classes, input_size)
        check_choices(config, "config.head")
        check_choice("config.head.iou_type", config.iou_type, BOX_ERRORS)
        self.config = config
        self.num_classes = num_classes
        self.input_size = tuple(input_size)

    @property
    def strides(self) -> tuple[int, ...]:
        return tuple(sorted(self.config.strides))

    @property
    def across_replicas(self) -> bool:
        return self.config.normalizer == "global"

    def for_last_epochs(self) -> "YoloxHead":
        """This head with the L1 part: for the last epochs, which have no augmentation."""
        head = copy.copy(self)
        head.config = dataclasses.replace(self.config, l1=True)
        return head

    def output_channels(self, stride: int) -> int:
        del stride
        return 5 + self.num_classes

    def output_parts(self, stride: int) -> tuple[int, int, int]:
        """Box, objectness, classes."""
        del stride
        return 4, 1, self.num_classes

    def channel_classes(self, stride: int) -> np.ndarray:
        del stride
        return np.array([-1] * 5 + list(range(self.num_classes)))

    def output_bias(self, stride: int) -> np.ndarray:
        """Objectness and each class start at a probability of 0.01 (algorithms.md 9.5)."""
        bias = np.zeros([self.output_channels(stride)], np.float32)
        bias[4:] = -math.log((1 - _PRIOR) / _PRIOR)
        return bias

    def encode(self, boxes: tf.Tensor, classes: tf.Tensor) -> dict:
        """The boxes as they are: matching needs what the network predicts."""
        return {"boxes": boxes, "classes": classes}

    def loss(self, targets: dict, outputs: dict[int, tf.Tensor]) -> dict[str, tf.Tensor]:
        raw, grid = self._flatten(outputs)
        boxes, classes = at_least_one(targets["boxes"], targets["classes"])
        return yolox_loss(boxes * grid.scale, classes, raw, grid, self.config)

    def decode(self, outputs: dict[int, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Levels in ascending stride, each by row and column; a score is objectness times class."""
        raw, grid = self._flatten(outputs)
        scores = tf.sigmoid(raw[..., 4:5]) * tf.sigmoid(raw[..., 5:])
        return _decode_boxes(raw[..., :4], grid), scores

    def candidates(self, outputs: dict[int, tf.Tensor], config: CandidateConfig) -> Candidates:
        raw, grid = self._flatten(outputs)
        boxes, logits = split_columns(raw, 5)
        pairs = best_pairs(logits, config, tf.sigmoid(boxes[..., 4]), tf.sigmoid)
        boxes = tf.gather(boxes, pairs.index, batch_dims=1)[..., :4]
        return pairs.candidates(_decode_boxes(boxes, grid.take(pairs.index)))

    def value_names(self) -> list[str]:
        return ["loss", *PARTS, "avg_iou", "foregrounds"]

    def _flatten(self, outputs: dict[int, tf.Tensor]) -> tuple[tf.Tensor, Grid]:
        return flatten({stride: outputs[stride] for stride in self.strides})


def _decode_boxes(raw: tf.Tensor, grid: Grid) -> tf.Tensor:
    """[B, N, 4] raw -> yxyx normalised."""
    return cxcywh_to_yxyx(codec.decode(raw, grid)) / grid.scale
