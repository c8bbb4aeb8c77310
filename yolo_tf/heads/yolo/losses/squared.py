"""The loss of YOLOv3's paper, as yolov3-tf2 computes it (algorithms.md 4.11).

Source: J. Redmon, A. Farhadi 2018, arXiv:1804.02767; github.com/zzh8829/yolov3-tf2. Of several
boxes in a slot the last one is trained. Two departures from the paper are settings here: the
scope of the ignore search and the class loss (algorithms.md 10.7, 10.8).
"""

from typing import ClassVar

import tensorflow as tf

from yolo_tf.heads.yolo.level import Level, Rows, flatten_rows, positive_slots
from yolo_tf.heads.yolo.losses.common import (
    LevelLoss,
    best_overlap,
    level_metrics,
    split_fields,
    squared_error,
)
from yolo_tf.ops import boxes as box_ops


def cross_entropy(rows: Rows, logits: tf.Tensor, level: Level) -> tf.Tensor:
    """[B, n] of logits [B, n, C]: each class for itself, or what `class_activation` says."""
    one_hot = tf.one_hot(rows.classes, logits.shape[-1])
    return tf.reduce_sum(level.classes.entropy(one_hot, logits, 0.0), axis=-1)


def normalized_sigmoid(rows: Rows, logits: tf.Tensor, level: Level) -> tf.Tensor:
    """[B, n]: minus the log of the true class's share in the sum of all sigmoids.

    See algorithms.md 4.12.
    """
    del level
    log_probability = tf.math.log_sigmoid(logits)
    one_hot = tf.one_hot(rows.classes, logits.shape[-1])
    true = tf.reduce_sum(one_hot * log_probability, axis=-1)
    return tf.reduce_logsumexp(log_probability, axis=-1) - true


CLASS_LOSSES = {"bce": cross_entropy, "normalized_sigmoid": normalized_sigmoid}


class SquaredLoss(LevelLoss):
    """YOLOv3's paper: sums over each image; see `SquaredLossConfig`."""

    CHOICES: ClassVar = {"class_loss": CLASS_LOSSES}
    by_image: ClassVar = True

    def __call__(self, targets: dict, level_targets: dict, raw: tf.Tensor, level: Level) -> dict:
        fields = split_fields(raw, level.decode)
        slots = fields.objectness.shape[1]
        rows = flatten_rows(targets, level_targets, cols=raw.shape[2])
        rows = rows._replace(positive=rows.last(slots))
        found = fields.at(rows)
        positive = positive_slots(rows, slots)
        # The paper has no half.
        grid = raw.shape[2:0:-1]
        box = 2 * squared_error(rows.boxes, found.boxes, found.raw_boxes, grid, darknet=False)
        classes = CLASS_LOSSES[self.config.class_loss](rows, found.logits, level)
        classes *= level.class_weight(rows)
        truths = targets["boxes"]
        if self.config.ignore_scope == "level":
            truths = tf.where(rows.trained_boxes(level_targets)[..., None], truths, 0.0)
        overlap = best_overlap(fields.boxes, truths)
        keep = (positive > 0) | (overlap < self.config.ignore_threshold)
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(positive, fields.objectness)
        iou = tf.where(rows.positive, box_ops.iou(rows.boxes, found.boxes), 0.0)
        return {
            "box_loss": tf.reduce_sum(tf.where(rows.positive, box, 0.0), axis=-1),
            "class_loss": tf.reduce_sum(tf.where(rows.positive, classes, 0.0), axis=-1),
            "objectness_loss": tf.reduce_sum(tf.where(keep, entropy, 0.0), axis=-1),
            **level_metrics(iou, fields.objectness, positive),
        }
