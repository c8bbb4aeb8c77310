"""The YOLO head: codec, assignment and loss wired together, one level at a time."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from yolo_tf.config import (
    DarknetLossConfig,
    FocalGiouLossConfig,
    GaussianLossConfig,
    ScaledLossConfig,
    SquaredLossConfig,
    YoloHeadConfig,
)
from yolo_tf.config.check import check_choices, check_multiple
from yolo_tf.errors import UserError, check_choice
from yolo_tf.heads.base import Head
from yolo_tf.heads.yolo import assign
from yolo_tf.heads.yolo.codec import CLASS_ACTIVATIONS, CODECS
from yolo_tf.heads.yolo.level import Level, find_candidates
from yolo_tf.heads.yolo.losses.common import LOSS_PARTS, METRICS, LevelLoss
from yolo_tf.heads.yolo.losses.darknet import DarknetLoss
from yolo_tf.heads.yolo.losses.focal import FocalGiouLoss
from yolo_tf.heads.yolo.losses.gaussian import GaussianLoss
from yolo_tf.heads.yolo.losses.scaled import ScaledLoss
from yolo_tf.heads.yolo.losses.squared import SquaredLoss
from yolo_tf.ops.candidates import CandidateConfig, Candidates

# Type of config.head.loss -> the loss. A new loss: its dataclass in config, its file, a line here.
LOSSES = {
    DarknetLossConfig: DarknetLoss,
    ScaledLossConfig: ScaledLoss,
    SquaredLossConfig: SquaredLoss,
    FocalGiouLossConfig: FocalGiouLoss,
    GaussianLossConfig: GaussianLoss,
}


class YoloHead(Head):
    """Anchor-based YOLO: per anchor tx, ty, tw, th, objectness and class logits (algorithms.md 2).

    A codec may have more values of a box, all of them before the objectness: `box_channels`.

    Args:
      config: anchors by stride and the choice of codec, assignment and loss.
      num_classes: at least 1.
      input_size: (height, width) pixels, multiples of every stride.

    Raises:
      UserError: a setting is not one of its choices, or a level has no anchors.
    """

    def __init__(self, config: YoloHeadConfig, num_classes: int, input_size: tuple[int, int]):
        _check(config, num_classes, input_size)
        self.config = config
        self.num_classes = num_classes
        self.input_size = tuple(input_size)
        self.levels = {
            stride: Level(
                stride=stride,
                anchors=np.asarray(anchors, np.float32),
                scale_xy=float(config.scale_xy.get(stride, 1.0)),
                codec=config.codec,
                class_activation=config.class_activation,
                class_weights=tuple(config.class_weights),
            )
            for stride, anchors in sorted(config.anchors.items())
        }
        self.losses = {s: _make_loss(config, s) for s in self.levels}

    @property
    def box_channels(self) -> int:
        return CODECS[self.config.codec].values + 1

    @property
    def by_image(self) -> bool:
        return all(loss.by_image for loss in self.losses.values())

    @property
    def strides(self) -> tuple[int, ...]:
        return tuple(self.levels)

    def anchor_sizes(self) -> np.ndarray:
        return np.concatenate([level.anchors for level in self.levels.values()])

    def output_channels(self, stride: int) -> int:
        return len(self.levels[stride].anchors) * (self.box_channels + self.num_classes)

    def channel_classes(self, stride: int) -> np.ndarray:
        of_anchor = [-1] * self.box_channels + list(range(self.num_classes))
        return np.tile(of_anchor, len(self.levels[stride].anchors))

    def output_bias(self, stride: int) -> np.ndarray:
        """Eight objects an image and one class in each, before anything is learnt.

        See algorithms.md 9.5.

        The prior of objectness is 8 in the cells of this level, so the first steps are not
        spent on pushing thousands of free cells down.
        """
        height, width = self.input_size
        cells, first_class = (height // stride) * (width // stride), self.box_channels
        anchors = len(self.levels[stride].anchors)
        bias = np.zeros([anchors, first_class + self.num_classes], np.float32)
        bias[:, first_class - 1] = np.log(8 / max(cells, 9))
        # log(0.6 / (C - 0.99)) is right for many classes and would be +4 for one.
        bias[:, first_class:] = min(np.log(0.6 / (self.num_classes - 0.99)), 0.0)
        return bias.reshape(-1)

    def encode(self, boxes: tf.Tensor, classes: tf.Tensor) -> dict:
        height, width = self.input_size
        return assign.encode(
            boxes,
            classes,
            anchors={s: level.anchors for s, level in self.levels.items()},
            grids={s: (height // s, width // s) for s in self.levels},
            scale_xy={s: level.scale_xy for s, level in self.levels.items()},
            input_size=self.input_size,
            config=self.config.assign,
        )

    def loss(self, targets: dict, outputs: dict[int, tf.Tensor]) -> dict[str, tf.Tensor]:
        by_level = {
            stride: self.losses[stride](
                targets, targets["levels"][stride], self._split_anchors(outputs[stride]), level
            )
            for stride, level in self.levels.items()
        }
        return _aggregate(by_level)

    def decode(self, outputs: dict[int, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Levels in ascending stride, each by row, column, anchor (algorithms.md 5.1)."""
        boxes, scores = [], []
        for stride, level in self.levels.items():
            raw = self._split_anchors(outputs[stride])
            count = math.prod(raw.shape[1:4])
            boxes.append(tf.reshape(level.decode(raw[..., : level.box_values]), [-1, count, 4]))
            probability = level.classes.probability(raw[..., self.box_channels :])
            probability *= level.box_probability(raw)[..., tf.newaxis]
            scores.append(tf.reshape(probability, [-1, count, self.num_classes]))
        return tf.concat(boxes, axis=1), tf.concat(scores, axis=1)

    def candidates(self, outputs: dict[int, tf.Tensor], config: CandidateConfig) -> Candidates:
        raws = [self._split_anchors(outputs[stride]) for stride in self.levels]
        return find_candidates(list(self.levels.values()), raws, config)

    def _split_anchors(self, raw: tf.Tensor) -> tf.Tensor:
        """[B, rows, cols, A * fields] -> float32 [B, rows, cols, A, fields]."""
        rows, cols, channels = raw.shape[1:]
        fields = self.box_channels + self.num_classes
        return tf.reshape(tf.cast(raw, tf.float32), [-1, rows, cols, channels // fields, fields])

    def value_names(self) -> list[str]:
        parts = ("loss", *LOSS_PARTS, *METRICS)
        return [*parts, *(f"{part}_{stride}" for stride in self.levels for part in parts)]


def _make_loss(config: YoloHeadConfig, stride: int) -> LevelLoss:
    changes = config.loss_by_stride.get(stride, {})
    for name in changes:
        if not hasattr(config.loss, name):
            raise UserError(
                f"config.head.loss_by_stride[{stride}]: {type(config.loss).__name__} has no"
                f" {name!r}; it has {', '.join(vars(config.loss))}"
            )
    loss = LOSSES[type(config.loss)]
    settings = dataclasses.replace(config.loss, **changes)
    for name, choices in loss.CHOICES.items():
        where = f"loss_by_stride[{stride}]" if name in changes else "loss"
        check_choice(f"config.head.{where}.{name}", getattr(settings, name), choices)
    return loss(settings)


def _aggregate(by_level: dict[int, dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
    """Sums of the losses over the levels, means of the metrics, and both by level.

    See algorithms.md 4.1.
    """
    values = {}
    for stride, level in by_level.items():
        level = {"loss": sum(level[part] for part in LOSS_PARTS), **level}
        values |= {f"{name}_{stride}": value for name, value in level.items()}
        for name, value in level.items():
            values[name] = values.get(name, 0.0) + value
    return values | {name: values[name] / len(by_level) for name in METRICS}


def _check(config: YoloHeadConfig, num_classes: int, input_size) -> None:
    check_choices(config, "config.head")
    if num_classes < 1:
        raise UserError(f"number of classes: found {num_classes}, expected at least 1")
    if not config.anchors:
        raise UserError("config.head.anchors is empty: expected anchors for every stride")
    for stride, anchors in config.anchors.items():
        if not len(anchors) or np.shape(anchors)[1:] != (2,) or np.min(anchors) <= 0:
            raise UserError(
                f"config.head.anchors[{stride}]: found {anchors!r}, expected (width, height) pairs"
                " of positive pixels"
            )
        check_multiple(input_size, stride, "the stride")
    if type(config.loss) not in LOSSES:
        raise UserError(
            f"config.head.loss: found {type(config.loss).__name__}, expected one of"
            f" {', '.join(kind.__name__ for kind in LOSSES)}"
        )
    for name, value, choices in (
        ("codec", config.codec, CODECS),
        ("class_activation", config.class_activation, CLASS_ACTIVATIONS),
        ("assign.policy", config.assign.policy, assign.POLICIES),
    ):
        check_choice(f"config.head.{name}", value, choices)
    trained = f", which {type(config.loss).__name__} of config.head.loss can train"
    check_choice("config.head.codec", config.codec, LOSSES[type(config.loss)].CODECS, trained)
