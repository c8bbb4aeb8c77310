"""The loss of YOLOX (algorithms.md 4.16).

Source: Z. Ge et al., "YOLOX: Exceeding YOLO Series in 2021", 2021, arXiv:2107.08430.
"""

import tensorflow as tf

from yolo_tf.config import YoloxHeadConfig
from yolo_tf.heads.base import class_weight
from yolo_tf.heads.grid import Grid
from yolo_tf.heads.yolox import codec
from yolo_tf.heads.yolox.simota import match
from yolo_tf.ops import boxes as box_ops
from yolo_tf.ops.replicas import global_batch, global_sum

PARTS = ("box_loss", "objectness_loss", "class_loss", "l1_loss")


def yolox_loss(
    truths: tf.Tensor, classes: tf.Tensor, raw: tf.Tensor, grid: Grid, config: YoloxHeadConfig
) -> dict[str, tf.Tensor]:
    """Parts of the loss and metrics of each image (algorithms.md 4.16 to 4.19).

    The parts are divided by the matched cells of the global batch and multiplied by its images:
    their mean over the global batch is the paper's quotient.

    Args:
      truths: [B, M, 4] float32 yxyx pixels, M at least 1; all-zero rows are padding.
      classes: [B, M] int32; -1 is padding.
      raw: [B, N, 5 + C] float32.
      grid: the N cells.

    Returns:
      name -> [B] float32: the weighted `PARTS`, "loss", their sum; "avg_iou", whose mean over the
      batch is that of the matched cells; "foregrounds", the number of those.
    """
    raw_boxes, objectness, logits = raw[..., :4], raw[..., 4], raw[..., 5:]
    predicted = box_ops.cxcywh_to_yxyx(codec.decode(raw_boxes, grid))
    matches = match(truths, classes, predicted, objectness, logits, grid, config.assign)
    found = matches.truth >= 0
    row = tf.maximum(matches.truth, 0)
    boxes = tf.gather(truths, row, batch_dims=1)
    own_class = tf.gather(classes, row, batch_dims=1)
    one_hot = tf.one_hot(own_class, logits.shape[-1])

    box_error = BOX_ERRORS[config.iou_type](boxes, predicted)
    target = tf.cast(found, tf.float32)
    objectness_error = tf.nn.sigmoid_cross_entropy_with_logits(target, objectness)
    class_error = tf.nn.sigmoid_cross_entropy_with_logits(one_hot * matches.iou[..., None], logits)
    errors = {
        "box_loss": config.box_weight * box_error,
        "class_loss": config.class_weight
        * class_weight(own_class, config.class_weights)
        * tf.reduce_sum(class_error, axis=-1),
        "l1_loss": config.l1_weight * _l1(boxes, raw_boxes, grid, config),
        "avg_iou": matches.iou,
    }
    foregrounds = tf.reduce_sum(target, axis=-1)
    share = _images_by_cell(foregrounds, config)
    values = {
        name: share * tf.reduce_sum(tf.where(found, error, 0.0), axis=-1)
        for name, error in errors.items()
    }
    by_cell = share if config.objectness_normalizer == "fg" else 1 / len(grid.strides)
    values["objectness_loss"] = (
        config.objectness_weight * by_cell * tf.reduce_sum(objectness_error, axis=-1)
    )
    values["loss"] = tf.add_n([values[part] for part in PARTS])
    return {**values, "foregrounds": foregrounds}


def _images_by_cell(foregrounds: tf.Tensor, config: YoloxHeadConfig) -> tf.Tensor:
    """Images of the batch over its matched cells, at least one: [B] counts -> scalar."""
    images, cells = tf.shape(foregrounds)[0], tf.reduce_sum(foregrounds)
    if config.normalizer == "global":
        return global_batch(images) / tf.maximum(global_sum(cells), 1.0)
    return tf.cast(images, tf.float32) / tf.maximum(cells, 1.0)


def _l1(boxes, raw_boxes, grid: Grid, config: YoloxHeadConfig) -> tf.Tensor:
    """[B, N] distance of the raw outputs from those that would give the truths.

    See algorithms.md 4.19.
    """
    if not config.l1:
        return tf.zeros_like(raw_boxes[..., 0])
    target = codec.encode(box_ops.yxyx_to_cxcywh(boxes), grid)
    return tf.reduce_sum(tf.abs(raw_boxes - target), axis=-1)


def _one_minus_square(truth, predicted):
    return 1 - box_ops.iou(truth, predicted) ** 2


def _one_minus_giou(truth, predicted):
    return 1 - box_ops.giou(truth, predicted)


# config.head.iou_type -> (truth, predicted), yxyx pixels -> error of each box
BOX_ERRORS = {"iou": _one_minus_square, "giou": _one_minus_giou}
