"""Boxes of a batch while its images change, and the one rule for what of them stays.

A batch has a fixed number of rows for boxes, N an image: "boxes" [B, N, 4] yxyx normalised by the
image, what can be seen of each; "whole" [B, N, 4], the same without any border; "classes"
[B, N] int32, -1 for no box; "difficult", "crowd" [B, N] bool; "area" [B, N] float32.
"""

import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.ops.resize import boxes_to_input

# The value of a row without a box. "whole" is there only until `settle`.
PADDING = {"boxes": 0.0, "classes": -1, "difficult": False, "crowd": False, "area": 0.0}
ROWS = ("whole", *PADDING)
_INTACT = 0.999  # share of its area from which on a box counts as whole


def place(batch: dict) -> dict:
    """Boxes of the source images -> of the inputs; "placement" [B, 4] says where those lie."""
    whole = boxes_to_input(batch["boxes"], batch["placement"])
    return {**batch, "whole": whole, "boxes": tf.clip_by_value(whole, 0.0, 1.0)}


def settle(batch: dict, size, config: AugmentConfig, max_boxes: int) -> dict:
    """Leaves out what `visible` does not keep, as `keep_rows`."""
    keep = visible(batch["boxes"], batch["whole"], size, config)
    return keep_rows({k: v for k, v in batch.items() if k != "whole"}, keep, max_boxes)


def visible(clipped: tf.Tensor, whole: tf.Tensor, size, config: AugmentConfig) -> tf.Tensor:
    """The rule for boxes cut by a border: of the crop, of a tile, of the turned image.

    A box stays if something is left of it and that
      - is at least `min_size` pixels high and wide,
      - is at least the share `min_area` of its area,
      - and, where it was cut, has sides in a ratio of at most `max_aspect`.

    Args:
      clipped: [..., 4] what is left, yxyx normalised by the network input.
      whole: [..., 4] the box after the same changes, without any border.
      size: (height, width) of the network input, pixels.

    Returns:
      [...] bool.
    """
    pixels = (clipped[..., 2:] - clipped[..., :2]) * tf.cast(size, tf.float32)
    left, all_of_it = box_area(clipped), box_area(whole)
    shorter, longer = tf.reduce_min(pixels, axis=-1), tf.reduce_max(pixels, axis=-1)
    slim = longer > config.max_aspect * shorter
    cut = left < _INTACT * all_of_it
    enough = (shorter >= config.min_size) & (left >= config.min_area * all_of_it)
    return enough & (left > 0) & ~(cut & slim)


def box_area(boxes: tf.Tensor) -> tf.Tensor:
    """[...] area of boxes [..., 4]; 0 where a side is negative."""
    sides = tf.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    return sides[..., 0] * sides[..., 1]


def keep_rows(batch: dict, keep: tf.Tensor, max_boxes: int) -> dict:
    """The boxes that `keep` [B, N] marks, in their order, in `max_boxes` rows.

    Adds the boxes left out to "cut" [B] int32, those without room to "dropped" [B] int32.
    """
    real = batch["classes"] >= 0
    keep &= real
    order = tf.argsort(tf.cast(~keep, tf.int32), axis=1, stable=True)[:, :max_boxes]
    kept = tf.gather(keep, order, axis=1, batch_dims=1)
    missing = max(max_boxes - keep.shape[1], 0)
    result = dict(batch)
    for name, padding in PADDING.items():
        rows = tf.gather(batch[name], order, axis=1, batch_dims=1)
        mask = kept[..., tf.newaxis] if rows.shape.rank == 3 else kept
        padding = tf.cast(padding, rows.dtype)
        pads = [[0, 0], [0, missing], [0, 0]][: rows.shape.rank]
        result[name] = tf.pad(tf.where(mask, rows, padding), pads, constant_values=padding)
    total = _count(keep)
    result["cut"] = batch["cut"] + _count(real) - total
    result["dropped"] = batch["dropped"] + tf.maximum(total - max_boxes, 0)
    return result


def _count(rows):
    return tf.reduce_sum(tf.cast(rows, tf.int32), axis=1)
