"""The loss of the task-aligned head: classes, boxes, and the distributions of their sides.

Source: GFL (arXiv:2006.04388), TOOD (arXiv:2108.07755), VarifocalNet (arXiv:2008.13367), PP-YOLOE
(arXiv:2203.16250).
"""

import tensorflow as tf

from yolo_tf.config import TalHeadConfig
from yolo_tf.heads.base import class_weight
from yolo_tf.heads.grid import Grid
from yolo_tf.heads.tal import codec
from yolo_tf.ops import boxes as box_ops
from yolo_tf.ops.replicas import global_batch, global_sum

PARTS = ("class_loss", "box_loss", "dfl_loss")  # the last one not with a single bin

_BACKGROUND = 0.75  # varifocal: weight of the background, times the square of its probability
_MARGIN = 0.01  # the distance that is trained stays so far below the last bin


def tal_loss(
    truths: tf.Tensor,
    classes: tf.Tensor,
    raw: tf.Tensor,
    grid: Grid,
    config: TalHeadConfig,
    assign,
) -> dict[str, tf.Tensor]:
    """Parts of the loss and metrics of each image.

    The parts are divided by the sum of all soft scores of the global batch, at least 1, and
    multiplied by its images: their mean over the global batch is the papers' quotient.

    Args:
      truths: [B, M, 4] float32 yxyx pixels, M at least 1; all-zero rows are padding.
      classes: [B, M] int32; -1 is padding.
      raw: [B, N, 4 * bins + C] float32.
      grid: the N points.
      assign: `assign.task_aligned` or `atss.atss`.

    Returns:
      name -> [B] float32: the weighted `PARTS`, "loss", their sum; "avg_iou", whose mean over the
      batch is that of the matched points; "foregrounds", the number of those.
    """
    raw_sides, logits = raw[..., : 4 * config.bins], raw[..., 4 * config.bins :]
    sides = codec.distances(raw_sides, config.bins)
    matches = assign(
        truths, classes, tf.sigmoid(logits), codec.decode(sides, grid), grid, config.assign
    )
    found, row = matches.truth >= 0, tf.maximum(matches.truth, 0)
    # Background has a box of its own cell's size: what is not counted must be finite as well.
    target = codec.encode(tf.gather(truths, row, batch_dims=1), grid)
    target = tf.where(found[..., tf.newaxis], target, 0.5)
    own_class = tf.where(found, tf.gather(classes, row, batch_dims=1), -1)

    pair = codec.around_point(target), codec.around_point(sides)
    box_error = 1 - BOX_MEASURES[config.box_loss](*pair)
    errors = {
        "class_loss": config.class_weight
        * class_weight(own_class, config.class_weights)
        * CLASS_LOSSES[config.class_loss](own_class, matches.score, logits),
        "box_loss": config.box_weight * _of_matched(found, matches.score * box_error),
    }
    if config.bins > 1:
        dfl = distribution_focal_loss(codec.side_logits(raw_sides, config.bins), target)
        errors["dfl_loss"] = config.dfl_weight * _of_matched(found, matches.score * dfl)

    foregrounds = tf.reduce_sum(tf.cast(found, tf.float32), axis=-1)
    # An image whose outputs are no numbers must not make the loss of the others none.
    finite = tf.where(tf.math.is_finite(matches.score), matches.score, 0.0)
    sums = tf.stack([tf.reduce_sum(finite), tf.reduce_sum(foregrounds)])
    per_score, per_match = tf.unstack(
        global_batch(tf.shape(raw)[0]) / tf.maximum(global_sum(sums), 1.0)
    )
    values = {name: per_score * tf.reduce_sum(error, axis=-1) for name, error in errors.items()}
    values["loss"] = tf.add_n(list(values.values()))
    overlap = _of_matched(found, box_ops.iou(*pair))
    values["avg_iou"] = per_match * tf.reduce_sum(overlap, axis=-1)
    return values | {"foregrounds": foregrounds}


def distribution_focal_loss(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of each side's distribution and the two bins next to its distance.

    Args:
      logits: [..., 4, bins].
      target: [..., 4] distances in strides; beyond the bins they count as the first and last one.

    Returns:
      [...], the mean of the four sides.
    """
    bins = logits.shape[-1]
    target = tf.clip_by_value(target, 0.0, bins - 1 - _MARGIN)
    values = tf.range(bins, dtype=tf.float32)
    share = tf.maximum(1 - tf.abs(target[..., tf.newaxis] - values), 0.0)
    error = tf.nn.softmax_cross_entropy_with_logits(tf.stop_gradient(share), logits)
    return tf.reduce_mean(error, axis=-1)


def _of_matched(found: tf.Tensor, errors: tf.Tensor) -> tf.Tensor:
    return tf.where(found, errors, 0.0)


def _bce(own_class, score, logits):
    target = tf.one_hot(own_class, logits.shape[-1]) * score[..., tf.newaxis]
    error = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)
    return tf.reduce_sum(error, axis=-1)


def _varifocal(own_class, score, logits):
    own, score = tf.one_hot(own_class, logits.shape[-1]), score[..., tf.newaxis]
    # From logits, so that a wrong class that is quite sure keeps its gradient.
    background = _BACKGROUND * tf.square(tf.sigmoid(logits))
    weight = tf.where(own > 0, score, background)
    error = weight * tf.nn.sigmoid_cross_entropy_with_logits(own * score, logits)
    return tf.reduce_sum(error, axis=-1)


# config.head.class_loss -> (class of each point, -1: background; soft score [B, N]; class logits
# [B, N, C]) -> [B, N]
CLASS_LOSSES = {"bce": _bce, "varifocal": _varifocal}
# config.head.box_loss -> (truth, predicted), yxyx strides -> measure of each pair, at most 1
BOX_MEASURES = {"ciou": box_ops.ciou, "giou": box_ops.giou}
