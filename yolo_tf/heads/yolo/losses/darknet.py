"""The loss of YOLOv3, YOLOv4 and their tiny forms (algorithms.md 4.3).

Source: A. Bochkovskiy et al. 2020, arXiv:2004.10934, as Darknet's yolo layer and TensorFlow Model
Garden's DarknetLoss compute it, less some errors: the ignore search sees all boxes of the image,
"diou" is DIoU, the class normaliser always acts (10.1 to 10.3). The squared error of boxes
("mse") is that of Darknet's C code (4.6).
"""

import functools
from typing import ClassVar

import tensorflow as tf

from yolo_tf.heads.yolo.level import Level, Rows, flatten_rows, positive_slots
from yolo_tf.heads.yolo.losses.common import (
    EPSILON,
    MEASURES,
    LevelLoss,
    best_overlap,
    level_metrics,
    split_fields,
    squared_error,
)
from yolo_tf.ops import boxes as box_ops


def _one_minus(measure, truth, predicted, raw, grid, darknet: bool):
    del raw, grid, darknet
    return 1 - measure(truth, predicted)


def _one_minus_ciou(truth, predicted, raw, grid, darknet: bool):
    del raw, grid
    return 1 - box_ops.ciou(truth, predicted, scale_aspect=darknet)


# config.head.loss.iou_type -> (truth, predicted, raw, grid, darknet) -> error of each box
BOX_ERRORS = {
    **{name: functools.partial(_one_minus, measure) for name, measure in MEASURES.items()},
    "ciou": _one_minus_ciou,
    "mse": squared_error,
}


class DarknetLoss(LevelLoss):
    """YOLOv3 to YOLOv4: sums over the positives of each image; see `DarknetLossConfig`."""

    CHOICES: ClassVar = {"iou_type": BOX_ERRORS}
    by_image: ClassVar = True

    def __call__(self, targets: dict, level_targets: dict, raw: tf.Tensor, level: Level) -> dict:
        if self.config.gradient == "darknet":
            raw = level.darknet_front(raw)
        decode = functools.partial(self._decode, level=level)
        fields = split_fields(raw, decode, level.box_values)
        rows = flatten_rows(targets, level_targets, cols=raw.shape[2])
        found = fields.at(rows)
        positive = positive_slots(rows, fields.objectness.shape[1])
        error = self._box_error(rows.boxes, found.boxes, found.raw_boxes, grid=raw.shape[2:0:-1])
        box_loss, class_loss = self._row_losses(rows, error, found.logits, level)
        overlap = best_overlap(fields.boxes, targets["boxes"])
        sure = tf.reduce_any(level.classes.likely(fields.logits), axis=-1)
        overlap = tf.where(sure, overlap, 0.0)
        iou = tf.where(rows.positive, box_ops.iou(rows.boxes, found.boxes), 0.0)
        return {
            "box_loss": box_loss,
            "class_loss": class_loss,
            "objectness_loss": self._objectness_loss(fields.objectness, positive, overlap),
            **level_metrics(iou, fields.objectness, positive),
        }

    def _decode(self, raw_boxes, level):
        if self.config.gradient == "analytic" or self.config.iou_type == "mse":
            return level.decode(raw_boxes)
        return level.decode_darknet_gradient(raw_boxes, self.config.max_delta)

    def _box_error(self, truth, predicted, raw, grid):
        """[B, n], weighted, from boxes [B, n, 4]; `grid` is (cols, rows)."""
        # Darknet's forms go with Darknet's gradient, the papers' with the true one.
        darknet = self.config.gradient == "darknet"
        error = BOX_ERRORS[self.config.iou_type](truth, predicted, raw, grid, darknet)
        return self.config.box_normalizer * error

    def _row_losses(self, rows: Rows, box_error, logits, level: Level):
        """Box part (algorithms.md 4.3) and class part (4.4), each [B]."""
        config = self.config
        one_hot = tf.one_hot(rows.classes, logits.shape[-1])
        in_slot = rows.sum_in_slot(one_hot)
        # Classes of all boxes in the row's slot; boxes of one class count once
        # (algorithms.md 10.4).
        union = tf.minimum(in_slot, 1.0)
        share = 1 / (tf.reduce_sum(union, axis=-1) + EPSILON)
        box = tf.where(rows.positive, box_error * share, 0.0)
        weight, truth = config.class_normalizer, one_hot
        if config.update_on_repeat:
            # One term a slot, so each row of a slot takes its part of it.
            truth, share = union, 1 / (tf.reduce_sum(in_slot, axis=-1) + EPSILON)
            weight = 1 + union * (weight - 1) if weight != 1 else 1.0
        entropy = level.classes.entropy(truth, logits, config.label_smoothing)
        share *= level.class_weight(rows)
        classes = tf.where(rows.positive, tf.reduce_sum(weight * entropy, axis=-1) * share, 0.0)
        return tf.reduce_sum(box, axis=-1), tf.reduce_sum(classes, axis=-1)

    def _objectness_loss(self, logits, positive, overlap):
        """[B] from [B, slots]; a free cell that overlaps a truth is not punished.

        See algorithms.md 4.5.
        """
        threshold, smooth = self.config.ignore_threshold, self.config.objectness_smooth
        target, keep = positive, tf.ones_like(positive, tf.bool)
        if threshold > 0 and smooth > 0:
            target = tf.where(overlap > threshold, 1 - smooth + smooth * overlap, positive)
        elif threshold > 0:
            keep = (positive > 0) | (overlap < threshold)
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)
        kept = tf.reduce_sum(tf.where(keep, entropy, 0.0), axis=-1)
        return self.config.objectness_normalizer * kept
