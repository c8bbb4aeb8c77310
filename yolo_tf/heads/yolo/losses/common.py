"""The contract between the YOLO head and its losses, and what the losses share.

That is the output by slot, errors of boxes, the search for boxes to ignore, and metrics.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import ClassVar, NamedTuple

import tensorflow as tf

from yolo_tf.heads.yolo.level import Level, Rows
from yolo_tf.ops import boxes as box_ops

EPSILON = 1e-9
# In the search for a cell's best truth: [4, 16, 8112] float32, YOLOv3's largest, is 2 MB.
_TRUTHS_AT_ONCE = 16

# Likeness of boxes: (truth, predicted) yxyx -> at most 1, for equal boxes.
MEASURES = {
    "iou": box_ops.iou,
    "giou": box_ops.giou,
    "diou": box_ops.diou,
    "ciou": box_ops.ciou,
}


class Fields(NamedTuple):
    """The output of a level, by slot or by row; slot = (row * cols + col) * A + anchor."""

    raw_boxes: tf.Tensor  # [B, n, 4] tx, ty, tw, th, or the values that the codec has
    boxes: tf.Tensor  # [B, n, 4] yxyx normalised
    objectness: tf.Tensor  # [B, n] logits
    logits: tf.Tensor  # [B, n, C]

    def at(self, rows: Rows) -> "Fields":
        """The same of the slot of each row."""
        return Fields(*(tf.gather(field, rows.slot, batch_dims=1) for field in self))


def split_fields(
    raw: tf.Tensor, decode: Callable[[tf.Tensor], tf.Tensor], box_values: int = 4
) -> Fields:
    """[B, rows, cols, A, box_values + 1 + C] -> its parts by slot.

    `decode` makes boxes [B, rows, cols, A, 4] of raw ones [B, rows, cols, A, box_values].
    """
    batch, slots = tf.shape(raw)[0], math.prod(raw.shape[1:4])
    sizes = [box_values, 1, raw.shape[-1] - box_values - 1]
    raw_boxes, objectness, logits = tf.split(raw, sizes, axis=-1)
    return Fields(
        raw_boxes=tf.reshape(raw_boxes, [batch, slots, box_values]),
        boxes=tf.reshape(decode(raw_boxes), [batch, slots, 4]),
        objectness=tf.reshape(objectness, [batch, slots]),
        logits=tf.reshape(logits, [batch, slots, logits.shape[-1]]),
    )


def squared_error(truth, predicted, raw, grid, darknet: bool) -> tf.Tensor:
    """Half the squared differences of centre, in cells, and log size; more for small boxes.

    Source: Darknet's `delta_yolo_box` (algorithms.md 4.6).

    Args:
      truth, predicted: [..., 4] yxyx normalised, the prediction with its true gradient.
      raw: [..., 4] the outputs of which `predicted` was made.
      grid: (cols, rows) of the level.
      darknet: the centre's difference reaches raw tx, ty unchanged, without the derivative of
        the logistic, as if by cross-entropy.

    Returns:
      [...], each times 2 - w h of the truth.
    """
    squares = differences(truth, predicted, raw[..., :2], grid, darknet) ** 2
    return small_box_weight(truth) * tf.reduce_sum(squares, axis=-1) / 2


def differences(truth, predicted, raw_centre, grid, darknet: bool) -> tf.Tensor:
    """[..., 4]: by how much centre (x, y; in cells) and log size (width, height) are too large.

    Arguments as of `squared_error`; raw_centre: [..., 2] tx, ty.
    """
    truth, predicted = map(box_ops.yxyx_to_cxcywh, (truth, predicted))
    centre = (predicted[..., :2] - truth[..., :2]) * tf.cast(grid, truth.dtype)
    if darknet:
        centre = raw_centre + tf.stop_gradient(centre - raw_centre)
    sizes = [tf.math.log(tf.maximum(boxes[..., 2:], EPSILON)) for boxes in (predicted, truth)]
    return tf.concat([centre, sizes[0] - sizes[1]], axis=-1)


def small_box_weight(truth: tf.Tensor) -> tf.Tensor:
    """[...]: 2 - w h of boxes [..., 4] yxyx normalised."""
    size = box_ops.yxyx_to_cxcywh(truth)[..., 2:]
    return 2 - size[..., 0] * size[..., 1]


def clip_gradient(values: tf.Tensor, limit: float) -> tf.Tensor:
    """`values`; their gradient is clipped to +-limit, and 0 where it is not finite."""

    @tf.custom_gradient
    def clip(values):
        def gradient(upstream):
            finite = tf.where(tf.math.is_finite(upstream), upstream, 0.0)
            return tf.clip_by_value(finite, -limit, limit)

        return tf.identity(values), gradient

    return clip(values)


def best_overlap(boxes, truths, measure=box_ops.iou, classes=None, likely=None) -> tf.Tensor:
    """How like the truth of the image that it resembles most each box is; at least 0.

    The result is a constant in the gradient. The truths are taken a few at a time, which keeps
    the intermediate values in the processor's cache, and only up to the last that is not padding.

    Args:
      boxes: [B, S, 4].
      truths: [B, N, 4], all-zero rows are padding.
      measure: one of MEASURES.
      classes: [B, N] of the truths, and
      likely: [B, S, C] bool: a box is compared with truths of these classes alone; None: all.

    Returns:
      [B, S].
    """
    boxes = tf.stop_gradient(boxes)
    truths = _in_parts(truths)
    filled = tf.cast(tf.reduce_any(truths != 0, axis=[0, 2, 3]), tf.int32)
    # A number and not a shape, so XLA compiles it too.
    steps = tf.reduce_max(tf.range(1, tf.shape(truths)[1] + 1) * filled)
    if likely is not None:
        classes = _in_parts(tf.maximum(classes, 0))
        likely = tf.transpose(likely, [0, 2, 1])

    def config(step, best):
        overlap = measure(truths[:, step, :, None], boxes[:, None])
        if likely is not None:
            same_class = tf.gather(likely, classes[:, step], batch_dims=1)
            overlap = tf.where(same_class, overlap, 0.0)
        best = tf.ensure_shape(tf.maximum(best, tf.reduce_max(overlap, axis=1)), best.shape)
        return step + 1, best

    best = tf.zeros_like(boxes[..., 0])
    _, best = tf.while_loop(lambda step, _: step < steps, config, [0, best], parallel_iterations=1)
    return tf.stop_gradient(best)


def _in_parts(values: tf.Tensor) -> tf.Tensor:
    """[B, N, ...] -> [B, parts, 16, ...], at least one part, padded with 0."""
    shape = tf.shape(values)
    parts = tf.maximum(-(-shape[1] // _TRUTHS_AT_ONCE), 1)
    padding = [[0, 0], [0, parts * _TRUTHS_AT_ONCE - shape[1]], *[[0, 0]] * (values.ndim - 2)]
    size = tf.concat([[shape[0], parts, _TRUTHS_AT_ONCE], shape[2:]], axis=0)
    parted = tf.reshape(tf.pad(values, padding), size)
    return tf.ensure_shape(parted, [None, None, _TRUTHS_AT_ONCE, *values.shape[2:]])


def mean_of_nonzero(values: tf.Tensor) -> tf.Tensor:
    """[B] mean over the last axis of the values that are not 0; 0 where there is none."""
    count = tf.math.count_nonzero(values, axis=-1, dtype=tf.float32)
    return tf.reduce_sum(values, axis=-1) / (count + EPSILON)


def level_metrics(likeness: tf.Tensor, objectness: tf.Tensor, positive: tf.Tensor) -> dict:
    """avg_iou and avg_obj of a level.

    Args:
      likeness: [B, n] of truth and prediction, 0 where the row does not count.
      objectness: [B, S] logits.
      positive: [B, S] 1 or 0.
    """
    return {
        "avg_iou": mean_of_nonzero(tf.stop_gradient(likeness)),
        "avg_obj": mean_of_nonzero(tf.sigmoid(objectness) * positive),
    }


# What every loss returns of a level, [B] each.
LOSS_PARTS = ("box_loss", "class_loss", "objectness_loss")
METRICS = ("avg_iou", "avg_obj")


class LevelLoss(ABC):
    """The loss of one level of a YOLO head; `config` may differ by level."""

    # Field of the config -> the values it may have. The head checks them.
    CHOICES: ClassVar[dict[str, Collection[str]]] = {}
    # Values of config.head.codec that go with it.
    CODECS: ClassVar[tuple[str, ...]] = ("exp", "scaled")
    # The numbers of an image depend on this image alone, not on counts over the batch.
    by_image: ClassVar[bool] = False

    def __init__(self, config):
        self.config = config

    @abstractmethod
    def __call__(self, targets: dict, level_targets: dict, raw: tf.Tensor, level: Level) -> dict:
        """Parts of the loss and metrics of each image.

        Args:
          targets: result of `assign.encode`.
          level_targets: its entry of this level.
          raw: [B, rows, cols, A, level.box_values + 1 + C] float32.

        Returns:
          name -> [B] float32: box_loss, class_loss, objectness_loss (weighted, their sum is the
          loss), avg_iou of the positives, avg_obj (their probability of an object).
        """
