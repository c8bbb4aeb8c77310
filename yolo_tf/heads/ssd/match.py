"""Which priors answer for which ground-truth box (algorithms.md 3.5).

Source: W. Liu et al. 2016, arXiv:1512.02325, section 2.2, as pierluigiferrari/ssd_keras does it;
but a box that no prior overlaps is left out there too (10.12), in place of landing on prior 0.
"""

import tensorflow as tf

from yolo_tf.config import SsdHeadConfig
from yolo_tf.ops import boxes as box_ops

BACKGROUND, NEUTRAL = 0, -1


def encode(boxes: tf.Tensor, classes: tf.Tensor, priors: tf.Tensor, config: SsdHeadConfig) -> dict:
    """Matches the priors of each image with its boxes.

    First every box, the best pair of all first, takes the free prior that it overlaps most; then
    ("multi") every other prior takes the box that overlaps it most, if by `positive_iou`. What
    is left is neutral from `neutral_iou` on, and background below. Equal overlaps go to the
    first box and the first prior.

    Args:
      boxes: [B, N, 4] float32 yxyx normalised; padding and boxes without area, anywhere among
        them, match nothing.
      classes: [B, N] int32; -1 is padding.
      priors: [P, 4] float32 yxyx normalised.
      config: `matching`, `positive_iou` and `neutral_iou`.

    Returns:
      "boxes" [B, N + 1, 4] and "classes" [B, N + 1] int32, after an empty row 0;
      "match" [B, P] int32: row of each prior's box; 0 (`BACKGROUND`) or -1 (`NEUTRAL`) for none.
    """
    sizes = boxes[..., 2:] - boxes[..., :2]
    real = (classes >= 0) & tf.reduce_all(sizes > 0, axis=-1)
    boxes = tf.pad(tf.where(real[..., tf.newaxis], boxes, 0.0), [[0, 0], [1, 0], [0, 0]])
    classes = tf.pad(tf.where(real, classes, -1), [[0, 0], [1, 0]], constant_values=-1)
    rows = classes.shape[1] if classes.shape[1] is not None else tf.shape(classes)[1]
    filled = tf.cast(tf.reduce_any(classes >= 0, axis=0), tf.int32)
    # Padding at the end costs nothing; a number and not a shape, so XLA compiles it too.
    end = tf.reduce_max(tf.range(1, rows + 1) * filled)

    overlap, nearest, candidates = _search(boxes, priors, rows, end)
    match = _own_priors(*candidates, end, priors.shape[0])
    if config.matching == "multi":
        match = tf.where((match == BACKGROUND) & (overlap >= config.positive_iou), nearest, match)
    neutral = (match == BACKGROUND) & (overlap >= config.neutral_iou)
    return {"boxes": boxes, "classes": classes, "match": tf.where(neutral, NEUTRAL, match)}


def _search(boxes, priors, rows, end):
    """The best box of each prior and the best priors of each box.

    A box at a time, since the IoU of all with all would take B * N * P numbers.

    Returns:
      IoU [B, P] of each prior with its best box, 0 where none touches it; that box's row [B, P];
      and of each box the K best priors, as many as boxes, since the others take no more than
      that: IoU [B, N, K], falling, and number [B, N, K].
    """
    batch = tf.shape(boxes)[0]
    static = isinstance(rows, int)
    count = min(rows, priors.shape[0]) if static else tf.minimum(rows, priors.shape[0])

    def add_box(row, overlap, nearest, values, numbers):
        iou = box_ops.iou(boxes[:, row, tf.newaxis], priors)
        best_values, best_numbers = tf.math.top_k(iou, count)
        here = (tf.range(rows) == row)[:, tf.newaxis]
        new = (
            tf.maximum(overlap, iou),
            tf.where(iou > overlap, row, nearest),
            tf.where(here, best_values[:, tf.newaxis], values),
            tf.where(here, best_numbers[:, tf.newaxis], numbers),
        )
        return row + 1, *(
            tf.ensure_shape(value, old.shape) for value, old in zip(new, start[1:], strict=True)
        )

    by_prior, by_box = [batch, priors.shape[0]], [batch, rows, count]
    start = (
        tf.constant(1),  # row 0 is the empty one
        tf.zeros(by_prior),
        tf.zeros(by_prior, tf.int32),
        tf.zeros(by_box),
        tf.zeros(by_box, tf.int32),
    )
    _, overlap, nearest, *candidates = tf.while_loop(
        lambda row, *_: row < end, add_box, start, parallel_iterations=1
    )
    return overlap, nearest, candidates


def _own_priors(values, numbers, end, priors: int) -> tf.Tensor:
    """[B, P] int32: row of the box whose own prior it is, 0 for none (greedy, bipartite).

    Args:
      values: [B, N, K] IoU of each box with its K best priors, falling.
      numbers: [B, N, K] int32, which priors these are.
      end: rows from this one on are padding.
      priors: P.
    """
    batch, rows, count = tf.unstack(tf.shape(values))
    row_numbers = tf.range(rows)

    def take_best(step, values, own):
        pairs = tf.reshape(values, [batch, rows * count])
        best = tf.argmax(pairs, axis=1, output_type=tf.int32)[:, tf.newaxis]
        overlaps = tf.gather(pairs, best, batch_dims=1) > 0
        prior = tf.gather(tf.reshape(numbers, [batch, rows * count]), best, batch_dims=1)
        is_box = row_numbers == best // count
        own = tf.where(is_box & overlaps, prior, own)
        used = is_box[..., tf.newaxis] | (numbers == prior[..., tf.newaxis])
        values = tf.ensure_shape(tf.where(used, 0.0, values), values.shape)
        return step + 1, values, tf.ensure_shape(own, start[2].shape)

    start = (tf.constant(1), values, tf.fill([batch, rows], -1))
    _, _, own = tf.while_loop(lambda step, *_: step < end, take_best, start, parallel_iterations=1)
    # No two boxes share a prior, and those without one add 0 to prior 0.
    image = tf.broadcast_to(tf.range(batch)[:, tf.newaxis], tf.shape(own))
    index = tf.stack([image, tf.maximum(own, 0)], axis=-1)
    return tf.scatter_nd(index, tf.where(own >= 0, row_numbers, 0), [batch, priors])
