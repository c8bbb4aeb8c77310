"""The multibox loss with hard-negative mining (algorithms.md 4.20).

Source: W. Liu et al. 2016, arXiv:1512.02325, section 2.2. The cross-entropy is computed from
logits, so that a class of probability 0 still learns (10.15), and the hardest negatives are by
default those of each image, as in the paper; pierluigiferrari/ssd_keras takes those of the whole
batch (10.13).
"""

import tensorflow as tf

from yolo_tf.config import SsdHeadConfig
from yolo_tf.heads.base import class_weight
from yolo_tf.heads.ssd.match import BACKGROUND
from yolo_tf.heads.ssd.priors import decode_offsets, encode_offsets
from yolo_tf.ops import boxes as box_ops
from yolo_tf.ops.replicas import global_batch, global_sum

VALUES = ("loss", "box_loss", "class_loss", "positives", "avg_iou")


class MultiboxLoss:
    """Softmax over background and classes, and smooth L1 of the offsets of positive priors.

    Args:
      config: variances, mining and weights.
      priors: [P, 4] float32 cxcywh normalised.
    """

    def __init__(self, config: SsdHeadConfig, priors: tf.Tensor):
        self.config = config
        self.priors = priors

    def __call__(self, targets: dict, logits: tf.Tensor, offsets: tf.Tensor) -> dict:
        """Loss, parts and metrics of each image.

        Args:
          targets: result of `match.encode`.
          logits: [B, P, 1 + C] float32, background first.
          offsets: [B, P, 4] float32.

        Returns:
          name -> [B] float32: loss and its parts box_loss and class_loss, divided by the
          positives of the global batch and multiplied by its images, so that their mean is the
          sum over all images by all positives; positives, their count; avg_iou of their boxes,
          0 where there are none.
        """
        match = targets["match"]
        positive = match > BACKGROUND
        row = tf.maximum(match, 0)
        # Row 0 has class -1, so background is label 0.
        labels = tf.gather(targets["classes"], row, batch_dims=1) + 1
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        count = tf.math.count_nonzero(positive, axis=1, dtype=tf.int32)
        hard = self._hard_negatives(entropy, match == BACKGROUND, count)
        entropy *= class_weight(labels - 1, self.config.class_weights)
        class_loss = _sum_where(positive | hard, entropy)

        truth = tf.gather(targets["boxes"], row, batch_dims=1)
        variances = self.config.variances
        wanted = encode_offsets(box_ops.yxyx_to_cxcywh(truth), self.priors, variances)
        box_loss = self.config.box_weight * _sum_where(positive, smooth_l1(wanted - offsets))

        positives = tf.cast(count, tf.float32)
        scale = global_batch(tf.shape(match)[0]) / tf.maximum(
            global_sum(tf.reduce_sum(positives)), 1
        )
        found = box_ops.cxcywh_to_yxyx(decode_offsets(offsets, self.priors, variances))
        iou = _sum_where(positive, box_ops.iou(truth, tf.stop_gradient(found)))
        return {
            "loss": scale * (box_loss + class_loss),
            "box_loss": scale * box_loss,
            "class_loss": scale * class_loss,
            "positives": positives,
            "avg_iou": iou / tf.maximum(positives, 1),
        }

    def _hard_negatives(self, entropy, negative, positives) -> tf.Tensor:
        """[B, P] bool: the negatives that are trained (algorithms.md 4.21)."""
        shape = tf.shape(negative)
        if self.config.mining_scope == "batch":
            entropy, negative = (tf.reshape(value, [1, -1]) for value in (entropy, negative))
            positives = tf.reduce_sum(positives, keepdims=True)
        wanted = tf.cast(self.config.negative_ratio * tf.cast(positives, tf.float32), tf.int32)
        wanted = tf.maximum(wanted, self.config.min_negatives)
        return tf.reshape(hardest(entropy, negative, wanted), shape)


def smooth_l1(difference: tf.Tensor) -> tf.Tensor:
    """Huber's loss with delta 1, summed over the last axis (R. Girshick 2015, arXiv:1504.08083)."""
    size = tf.abs(difference)
    inside = tf.minimum(size, 1.0)  # without tf.where: its gradient is the right one at 1 as well
    return tf.reduce_sum(inside * (size - inside / 2), axis=-1)


def hardest(losses: tf.Tensor, candidates: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """The candidates of largest loss of each row; of equal ones the first. No gradient.

    Args:
      losses: [R, n] float32, at least 0; NaN counts as largest, so that it is not hidden.
      candidates: [R, n] bool.
      wanted: [R] int32, how many; all candidates where there are fewer.

    Returns:
      [R, n] bool.
    """
    losses = tf.stop_gradient(tf.where(tf.math.is_nan(losses), losses.dtype.max, losses))
    losses = tf.where(candidates, losses, -1.0)
    available = tf.math.count_nonzero(candidates, axis=1, dtype=tf.int32)
    wanted = tf.minimum(wanted, available)[:, tf.newaxis]
    falling = tf.sort(losses, axis=1, direction="DESCENDING")
    least = tf.gather(falling, tf.maximum(wanted - 1, 0), batch_dims=1)
    above, equal = losses > least, losses == least
    room = wanted - tf.math.count_nonzero(above, axis=1, keepdims=True, dtype=tf.int32)
    first = tf.cumsum(tf.cast(equal, tf.int32), axis=1) <= room
    return (above | (equal & first)) & (wanted > 0)


def _sum_where(mask: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """[B] sum over the last axis where the mask [B, P] holds."""
    return tf.reduce_sum(tf.where(mask, values, 0.0), axis=-1)
