"""The loss of Scaled-YOLOv4 (YOLOv4-csp and larger): means over the batch (algorithms.md 4.7).

Source: C.-Y. Wang et al. 2020, arXiv:2011.08036, as TensorFlow Model Garden's ScaledLoss computes
it, less two errors: the ignore search sees all boxes of the image, and of them those of a class
that the cell gives a probability above 0.25 (10.1, 10.5).

Model Garden multiplies all by the number of images and by 3 / levels; here the loss is the mean
itself, whatever the batch. Its learning rate for SGD is thus for a loss a batch times as large.
"""

from typing import ClassVar

import tensorflow as tf

from yolo_tf.heads.yolo.level import Level, Rows, flatten_rows, positive_slots
from yolo_tf.heads.yolo.losses.common import (
    EPSILON,
    MEASURES,
    Fields,
    LevelLoss,
    best_overlap,
    level_metrics,
    split_fields,
)
from yolo_tf.ops.replicas import global_batch, global_sum

_CLASSES = 80  # of COCO, for which the weight of the class part was tuned


class ScaledLoss(LevelLoss):
    """Scaled-YOLOv4; see `ScaledLossConfig`. avg_iou is the mean of the measure, at least 0.

    The means are over all positives (or cells) of the level in the global batch. A number of an
    image is its part of the sum times images / count, so the mean over images is that mean.
    """

    CHOICES: ClassVar = {"iou_type": MEASURES}

    def __call__(self, targets: dict, level_targets: dict, raw: tf.Tensor, level: Level) -> dict:
        config = self.config
        fields = split_fields(raw, level.decode)
        rows = flatten_rows(targets, level_targets, cols=raw.shape[2])
        found = fields.at(rows)
        positive = positive_slots(rows, fields.objectness.shape[1])
        # In cells, which are square: the measures with distances know no other unit.
        cells = tf.constant([*raw.shape[1:3], *raw.shape[1:3]], raw.dtype)
        measure = MEASURES[config.iou_type](rows.boxes * cells, found.boxes * cells)
        quality = tf.where(rows.positive, tf.maximum(tf.stop_gradient(measure), 0.0), 0.0)
        images = global_batch(tf.shape(raw)[0])
        share = images / (global_sum(tf.reduce_sum(tf.cast(rows.positive, raw.dtype))) + EPSILON)
        box = tf.reduce_sum(tf.where(rows.positive, 1 - measure, 0.0), axis=-1)
        one_hot = tf.one_hot(rows.classes, found.logits.shape[-1])
        entropy = level.classes.entropy(one_hot, found.logits, config.label_smoothing)
        entropy = tf.reduce_mean(entropy, axis=-1) * level.class_weight(rows)
        entropy = tf.where(rows.positive, entropy, 0.0)
        class_weight = config.class_normalizer * one_hot.shape[-1] / _CLASSES
        keep = self._keep(targets, fields, positive, level)
        return {
            "box_loss": config.box_normalizer * share * box,
            "class_loss": class_weight * share * tf.reduce_sum(entropy, axis=-1),
            "objectness_loss": self._objectness_loss(rows, quality, fields.objectness, keep),
            **level_metrics(quality, fields.objectness, positive),
        }

    def _keep(self, targets, fields: Fields, positive, level: Level):
        """[B, slots] bool: the cells that objectness is trained on (algorithms.md 4.9)."""
        threshold = self.config.ignore_threshold
        if threshold <= 0:
            return tf.ones_like(positive, tf.bool)
        overlap = best_overlap(
            fields.boxes,
            targets["boxes"],
            measure=MEASURES[self.config.iou_type],
            classes=targets["classes"],
            likely=level.classes.likely(fields.logits),
        )
        return (positive > 0) | (overlap < threshold)

    def _objectness_loss(self, rows: Rows, quality, logits, keep):
        """[B] from rows [B, n] and slots [B, slots] (algorithms.md 4.8, 4.9)."""
        config, slots = self.config, logits.shape[1]
        value = 1 - config.objectness_smooth + config.objectness_smooth * quality
        if config.update_on_repeat:
            target = rows.sum_to_slots(tf.where(rows.last(slots), value, 0.0), slots)
        else:
            target = rows.max_to_slots(value, slots)
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)
        kept = tf.reduce_sum(tf.where(keep, entropy, 0.0), axis=-1)
        # Over the batch, because an image may have all its cells ignored.
        count = global_sum(tf.reduce_sum(tf.cast(keep, logits.dtype)))
        images = global_batch(tf.shape(logits)[0])
        return config.objectness_normalizer * kept * images / tf.maximum(count, 1.0)
