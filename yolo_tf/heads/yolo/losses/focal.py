"""YunYang1994's loss of YOLOv3: GIoU of boxes and a focal objectness (algorithms.md 4.13).

Source: github.com/YunYang1994/TensorFlow2.0-Examples, 4-Object_Detection/YOLOV3. Of several boxes
in a slot the last one is trained. The focal factor takes part in the gradient and has no weight
for the positives, as there (10.9). Goes with the policy "cell_iou".
"""

from typing import ClassVar

import tensorflow as tf

from yolo_tf.heads.yolo.level import Level, flatten_rows, positive_slots
from yolo_tf.heads.yolo.losses.common import (
    LevelLoss,
    best_overlap,
    level_metrics,
    small_box_weight,
    split_fields,
)
from yolo_tf.ops import boxes as box_ops


class FocalGiouLoss(LevelLoss):
    """GIoU and focal objectness: sums over each image; see `FocalGiouLossConfig`."""

    by_image: ClassVar = True

    def __call__(self, targets: dict, level_targets: dict, raw: tf.Tensor, level: Level) -> dict:
        fields = split_fields(raw, level.decode)
        slots = fields.objectness.shape[1]
        matched = flatten_rows(targets, level_targets, cols=raw.shape[2])
        rows = matched._replace(positive=matched.last(slots))
        found = fields.at(rows)
        positive = positive_slots(rows, slots)
        box = small_box_weight(rows.boxes) * (1 - box_ops.giou(rows.boxes, found.boxes))
        # The search sees the boxes that lost their slot to a later one, too.
        of_level = matched.trained_boxes(level_targets)
        overlap = best_overlap(fields.boxes, tf.where(of_level[..., None], targets["boxes"], 0.0))
        iou = tf.where(rows.positive, box_ops.iou(rows.boxes, found.boxes), 0.0)
        return {
            "box_loss": tf.reduce_sum(tf.where(rows.positive, box, 0.0), axis=-1),
            "class_loss": self._class_loss(rows, found.logits, level),
            "objectness_loss": self._objectness_loss(fields.objectness, positive, overlap),
            **level_metrics(iou, fields.objectness, positive),
        }

    def _class_loss(self, rows, logits, level: Level):
        """[B]; the smoothed targets sum to 1 (algorithms.md 4.15)."""
        classes, smoothing = logits.shape[-1], self.config.label_smoothing
        target = tf.one_hot(rows.classes, classes) * (1 - smoothing) + smoothing / classes
        entropy = tf.reduce_sum(level.classes.entropy(target, logits, 0.0), axis=-1)
        entropy *= level.class_weight(rows)
        return tf.reduce_sum(tf.where(rows.positive, entropy, 0.0), axis=-1)

    def _objectness_loss(self, logits, positive, overlap):
        """[B] from [B, slots] (algorithms.md 4.14)."""
        keep = (positive > 0) | (overlap < self.config.ignore_threshold)
        # |target - probability|, by its logarithm: finite gradients for every exponent.
        miss = tf.math.log_sigmoid(logits * (1 - 2 * positive))
        focal = tf.exp(self.config.focal_exponent * miss)
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(positive, logits)
        return tf.reduce_sum(tf.where(keep, focal * entropy, 0.0), axis=-1)
