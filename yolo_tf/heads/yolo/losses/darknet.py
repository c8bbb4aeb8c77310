"""The loss of YOLOv3, YOLOv4 and their tiny forms (SPEC 4(a)).

Source: A. Bochkovskiy et al. 2020, arXiv:2004.10934, as Darknet's yolo layer and TensorFlow Model
Garden's DarknetLoss compute it, less the errors that SPEC lists: the ignore search sees all boxes
of the image (D22), "diou" is DIoU (D25), the class normaliser always acts (D26). The squared
error of boxes ("mse") is that of Darknet's C code (SPEC 4(h)).
"""

import functools
import math

import tensorflow as tf

from yolo_tf.config import DarknetLossConfig
from yolo_tf.heads.yolo.level import Level, Rows, flatten_rows, positive_slots
from yolo_tf.ops import boxes as box_ops

_EPSILON = 1e-9
# In the search for a cell's best truth: [4, 16, 8112] float32, YOLOv3's largest, is 2 MB.
_TRUTHS_AT_ONCE = 16


class DarknetLoss:
    """The loss of one level; `config` may differ by level."""

    def __init__(self, config: DarknetLossConfig):
        self.config = config

    def __call__(self, targets: dict, level_targets: dict, raw: tf.Tensor, level: Level) -> dict:
        """Parts of the loss and metrics of each image.

        Args:
          targets: result of `assign.encode`.
          level_targets: its entry of this level.
          raw: [B, rows, cols, A, 5 + C] float32.

        Returns:
          name -> [B] float32: box_loss, class_loss, objectness_loss (weighted, their sum is the
          loss), avg_iou of the positives, avg_obj (their probability of an object).
        """
        batch, slots = tf.shape(raw)[0], math.prod(raw.shape[1:4])
        if self.config.gradient == "darknet":
            raw = level.darknet_front(raw)
        raw_boxes, objectness, logits = tf.split(raw, [4, 1, raw.shape[-1] - 5], axis=-1)
        boxes = tf.reshape(self._decode(raw_boxes, level), [batch, slots, 4])
        objectness = tf.reshape(objectness, [batch, slots])
        logits = tf.reshape(logits, [batch, slots, logits.shape[-1]])

        rows = flatten_rows(targets, level_targets, cols=raw.shape[2])
        positive = positive_slots(rows, slots)
        row_boxes = tf.gather(boxes, rows.slot, batch_dims=1)
        row_logits = tf.gather(logits, rows.slot, batch_dims=1)
        row_raw = tf.gather(tf.reshape(raw_boxes, [batch, slots, 4]), rows.slot, batch_dims=1)
        error = self._box_error(rows.boxes, row_boxes, row_raw, grid=raw.shape[2:0:-1])
        box_loss, class_loss = self._row_losses(rows, error, row_logits, level)
        overlap = best_overlap(boxes, targets["boxes"], level.classes.sure(logits))
        iou = box_ops.iou(rows.boxes, tf.stop_gradient(row_boxes))
        return {
            "box_loss": box_loss,
            "class_loss": class_loss,
            "objectness_loss": self._objectness_loss(objectness, positive, overlap),
            "avg_iou": _mean_of_nonzero(tf.where(rows.positive, iou, 0.0)),
            "avg_obj": _mean_of_nonzero(tf.sigmoid(objectness) * positive),
        }

    def _decode(self, raw_boxes, level):
        if self.config.gradient == "analytic" or self.config.iou_type == "mse":
            return level.decode(raw_boxes)
        return level.decode_darknet_gradient(raw_boxes, self.config.max_delta)

    def _box_error(self, truth, predicted, raw, grid):
        """[B, n] from boxes [B, n, 4]; `grid` is (cols, rows)."""
        # Darknet's forms go with Darknet's gradient, the papers' with the true one.
        darknet = self.config.gradient == "darknet"
        return BOX_ERRORS[self.config.iou_type](truth, predicted, raw, grid, darknet)

    def _row_losses(self, rows: Rows, box_error, logits, level: Level):
        """Box part (E4.7) and class part (E4.8, E4.9), each [B]."""
        config = self.config
        one_hot = tf.one_hot(rows.classes, logits.shape[-1])
        in_slot = rows.sum_in_slot(one_hot)
        # Classes of all boxes in the row's slot; boxes of one class count once [D24].
        union = tf.minimum(in_slot, 1.0)
        share = 1 / (tf.reduce_sum(union, axis=-1) + _EPSILON)
        box = tf.where(rows.positive, box_error * share, 0.0)
        weight, truth = config.class_normalizer, one_hot
        if config.update_on_repeat:
            # One term a slot, so each row of a slot takes its part of it.
            truth, share = union, 1 / (tf.reduce_sum(in_slot, axis=-1) + _EPSILON)
            weight = 1 + union * (weight - 1) if weight != 1 else 1.0
        entropy = level.classes.entropy(truth, logits, config.label_smoothing)
        classes = tf.where(rows.positive, tf.reduce_sum(weight * entropy, axis=-1) * share, 0.0)
        return config.box_normalizer * tf.reduce_sum(box, -1), tf.reduce_sum(classes, -1)

    def _objectness_loss(self, logits, positive, overlap):
        """[B] from [B, slots]; a free cell that overlaps a truth is not punished (E4.5, E4.10)."""
        threshold, smooth = self.config.ignore_threshold, self.config.objectness_smooth
        target, keep = positive, tf.ones_like(positive, tf.bool)
        if threshold > 0 and smooth > 0:
            target = tf.where(overlap > threshold, 1 - smooth + smooth * overlap, positive)
        elif threshold > 0:
            keep = (positive > 0) | (overlap < threshold)
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)
        kept = tf.reduce_sum(tf.where(keep, entropy, 0.0), axis=-1)
        return self.config.objectness_normalizer * kept


def _one_minus(measure, truth, predicted, raw, grid, darknet: bool):
    del raw, grid, darknet
    return 1 - measure(truth, predicted)


def _one_minus_ciou(truth, predicted, raw, grid, darknet: bool):
    del raw, grid
    return 1 - box_ops.ciou(truth, predicted, scale_aspect=darknet)


def squared_error(truth, predicted, raw, grid, darknet: bool) -> tf.Tensor:
    """Half the squared differences of centre, in cells, and log size; more for small boxes.

    Source: Darknet's `delta_yolo_box` (SPEC 4(h)).

    Args:
      truth, predicted: [..., 4] yxyx normalised, the prediction with its true gradient.
      raw: [..., 4] the outputs of which `predicted` was made.
      grid: (cols, rows) of the level.
      darknet: the centre's difference reaches raw tx, ty unchanged, without the derivative of
        the logistic, as if by cross-entropy.

    Returns:
      [...], each times 2 - w h of the truth.
    """
    truth, predicted = map(box_ops.yxyx_to_cxcywh, (truth, predicted))
    centre = (predicted[..., :2] - truth[..., :2]) * tf.cast(grid, truth.dtype)
    if darknet:
        centre = raw[..., :2] + tf.stop_gradient(centre - raw[..., :2])
    sizes = [tf.math.log(tf.maximum(boxes[..., 2:], _EPSILON)) for boxes in (predicted, truth)]
    squares = tf.concat([centre, sizes[0] - sizes[1]], axis=-1) ** 2
    return (2 - truth[..., 2] * truth[..., 3]) * tf.reduce_sum(squares, axis=-1) / 2


# config.head.loss.iou_type -> (truth, predicted, raw, grid, darknet) -> error of each box
BOX_ERRORS = {
    "iou": functools.partial(_one_minus, box_ops.iou),
    "giou": functools.partial(_one_minus, box_ops.giou),
    "diou": functools.partial(_one_minus, box_ops.diou),
    "ciou": _one_minus_ciou,
    "mse": squared_error,
}


def best_overlap(boxes: tf.Tensor, truths: tf.Tensor, sure: tf.Tensor) -> tf.Tensor:
    """Largest IoU with a truth of the image: [B, S, 4], [B, N, 4] -> [B, S]; 0 if not `sure`.

    The result is a constant in the gradient. The truths are taken a few at a time, which keeps
    the intermediate values in the processor's cache, and only up to the last that is not padding.
    """
    boxes = tf.stop_gradient(boxes)
    batch, limit = tf.shape(truths)[0], tf.shape(truths)[1]
    parts = tf.maximum(-(-limit // _TRUTHS_AT_ONCE), 1)
    truths = tf.pad(truths, [[0, 0], [0, parts * _TRUTHS_AT_ONCE - limit], [0, 0]])
    truths = tf.reshape(truths, [batch, parts, _TRUTHS_AT_ONCE, 4])
    filled = tf.cast(tf.reduce_any(truths != 0, axis=[0, 2, 3]), tf.int32)
    # A number and not a shape, so XLA compiles it too.
    steps = tf.reduce_max(tf.range(1, parts + 1) * filled)

    def search(step, best):
        overlap = tf.reduce_max(box_ops.pairwise_iou(truths[:, step], boxes), axis=1)
        return step + 1, tf.ensure_shape(tf.maximum(best, overlap), best.shape)

    best = tf.zeros_like(boxes[..., 0])
    _, best = tf.while_loop(lambda step, _: step < steps, search, [0, best], parallel_iterations=1)
    return tf.where(sure, tf.stop_gradient(best), 0.0)


def _mean_of_nonzero(values: tf.Tensor) -> tf.Tensor:
    """[B] mean over the last axis of the values that are not 0; 0 where there is none."""
    count = tf.math.count_nonzero(values, axis=-1, dtype=tf.float32)
    return tf.reduce_sum(values, axis=-1) / (count + _EPSILON)
