"""The SSD head: priors, matching, multibox loss and decoding wired together."""

import numpy as np
import tensorflow as tf

from yolo_tf.config import SsdHeadConfig
from yolo_tf.config.check import check_choices
from yolo_tf.errors import UserError
from yolo_tf.heads.base import Head
from yolo_tf.heads.ssd import match
from yolo_tf.heads.ssd.loss import VALUES, MultiboxLoss
from yolo_tf.heads.ssd.priors import (
    clip_priors,
    decode_offsets,
    level_priors,
    normalise,
    prior_shapes,
)
from yolo_tf.ops.boxes import cxcywh_to_yxyx
from yolo_tf.ops.candidates import CandidateConfig, Candidates, best_pairs


class SsdHead(Head):
    """SSD: per prior the logits of background and classes, then 4 offsets.

    See algorithms.md 2.8, 4.20.

    Inside, label 0 is background (algorithms.md 10.14); outside, classes are 0-based. A level has
    ceil(side / stride) cells. Priors stand by level (finest first), row, column, shape.

    Args:
      config: priors, matching and loss.
      num_classes: at least 1, without background.
      input_size: (height, width) pixels.

    Raises:
      UserError: a setting is not one of its choices, or scales do not fit the levels.
    """

    def __init__(self, config: SsdHeadConfig, num_classes: int, input_size: tuple[int, int]):
        _check(config, num_classes)
        self.config = config
        self.num_classes = num_classes
        self.input_size = tuple(input_size)
        self.shapes = _shapes(config, self.input_size)
        priors = np.concatenate([self._level_priors(stride) for stride in self.strides])
        if config.clip:
            priors = clip_priors(priors, self.input_size)
        self.priors_cxcywh = normalise(priors, self.input_size)  # [P, 4]
        self.priors = cxcywh_to_yxyx(self.priors_cxcywh).numpy()
        self._loss = MultiboxLoss(config, self.priors_cxcywh)

    @property
    def strides(self) -> tuple[int, ...]:
        return tuple(sorted(self.config.aspect_ratios))

    def anchor_sizes(self) -> np.ndarray:
        return np.concatenate(list(self.shapes.values())).astype(np.float32)

    def grid(self, stride: int) -> tuple[int, int]:
        """(rows, cols) of a level."""
        height, width = self.input_size
        return -(-height // stride), -(-width // stride)

    def output_channels(self, stride: int) -> int:
        return len(self.shapes[stride]) * (1 + self.num_classes + 4)

    def channel_classes(self, stride: int) -> np.ndarray:
        """Background, which comes first, is no class."""
        of_prior = [-1, *range(self.num_classes), *[-1] * 4]
        return np.tile(of_prior, len(self.shapes[stride]))

    def output_bias(self, stride: int) -> np.ndarray:
        """As many positives among the trained priors as mining lets in, before anything is learnt.

        Background gets log(C * ratio), classes and offsets 0: the first steps are not spent on
        learning how rare objects are.
        """
        bias = np.zeros([len(self.shapes[stride]), 1 + self.num_classes + 4], np.float32)
        bias[:, 0] = np.log(self.num_classes * max(self.config.negative_ratio, 1.0))
        return bias.reshape(-1)

    def encode(self, boxes: tf.Tensor, classes: tf.Tensor) -> dict:
        return match.encode(boxes, classes, self.priors, self.config)

    def loss(self, targets: dict, outputs: dict[int, tf.Tensor]) -> dict[str, tf.Tensor]:
        return self._loss(targets, *self._split(outputs))

    def decode(self, outputs: dict[int, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Levels in ascending stride, each by row, column, shape; scores are softmax's."""
        logits, offsets = self._split(outputs)
        boxes = decode_offsets(offsets, self.priors_cxcywh, self.config.variances)
        return cxcywh_to_yxyx(boxes), tf.nn.softmax(logits)[..., 1:]

    def candidates(self, outputs: dict[int, tf.Tensor], config: CandidateConfig) -> Candidates:
        logits, offsets = self._split(outputs)
        pairs = best_pairs(tf.nn.softmax(logits)[..., 1:], config)
        offsets = tf.gather(offsets, pairs.index, batch_dims=1)
        priors = tf.gather(self.priors_cxcywh, pairs.index)
        boxes = decode_offsets(offsets, priors, self.config.variances)
        return pairs.candidates(cxcywh_to_yxyx(boxes))

    def value_names(self) -> list[str]:
        return list(VALUES)

    def _split(self, outputs: dict[int, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Logits [B, P, 1 + C] and offsets [B, P, 4], float32, of all levels."""
        levels = []
        for stride in self.strides:
            raw, grid = outputs[stride], self.grid(stride)
            if tuple(raw.shape[1:3]) != grid:
                raise ValueError(f"level {stride}: output {raw.shape}, expected {grid} cells")
            priors = grid[0] * grid[1] * len(self.shapes[stride])
            levels.append(tf.reshape(tf.cast(raw, tf.float32), [-1, priors, 5 + self.num_classes]))
        logits, offsets = tf.split(tf.concat(levels, axis=1), [1 + self.num_classes, 4], axis=-1)
        return logits, offsets

    def _level_priors(self, stride: int) -> np.ndarray:
        grid = self.grid(stride)
        cells = np.divide(self.input_size, grid)
        step = np.broadcast_to(self.config.steps.get(stride, cells), [2])
        return level_priors(self.shapes[stride], grid, tuple(step))


def _shapes(config: SsdHeadConfig, input_size) -> dict[int, np.ndarray]:
    """stride -> [S, 2] (width, height) pixels, ascending."""
    sides = [scale * min(input_size) for scale in config.scales]
    return {
        stride: prior_shapes(config.aspect_ratios[stride], *sides[i : i + 2], config.larger_square)
        for i, stride in enumerate(sorted(config.aspect_ratios))
    }


def _check(config: SsdHeadConfig, num_classes: int) -> None:
    check_choices(config, "config.head")
    if num_classes < 1:
        raise UserError(f"number of classes: found {num_classes}, expected at least 1")
    if not config.aspect_ratios:
        raise UserError("config.head.aspect_ratios is empty: expected ratios for every stride")
    for stride, ratios in config.aspect_ratios.items():
        if not len(ratios) or min(ratios) <= 0:
            raise UserError(
                f"config.head.aspect_ratios[{stride}]: found {ratios!r}, expected width / height,"
                " at least one number above 0"
            )
    levels = len(config.aspect_ratios)
    if len(config.scales) != levels + 1 or min(config.scales) <= 0:
        raise UserError(
            f"config.head.scales: found {config.scales!r}, expected {levels + 1} numbers above 0:"
            f" one for each of the {levels} levels in aspect_ratios, and one more"
        )
    for stride, step in config.steps.items():
        if stride not in config.aspect_ratios:
            raise UserError(
                f"config.head.steps[{stride}]: aspect_ratios have no such level, they have"
                f" {sorted(config.aspect_ratios)}"
            )
        if np.shape(step) not in ((), (2,)) or np.min(step) <= 0:
            raise UserError(
                f"config.head.steps[{stride}]: found {step!r}, expected pixels above 0, or"
                " (vertical, horizontal) ones"
            )
