"""Greedy non-maximum suppression for batches, class by class or over all classes."""

from typing import NamedTuple

import tensorflow as tf

from yolo_tf.ops.boxes import pairwise_iou

_BLOCK = 128  # candidates resolved at once: larger compares more in vain, smaller loops more


def non_max_suppression(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    score_threshold: float,
    iou_threshold: float,
    max_detections: int,
    class_agnostic: bool = False,
    pre_nms_top_k: int = 5000,
    max_per_class: int | None = None,
) -> dict[str, tf.Tensor]:
    """Keeps the best of boxes that overlap.

    Candidates are visited by falling score, those of equal score in an order of our own. One is
    kept unless its IoU with an already kept one of its class, or with `class_agnostic` of any
    class, is greater than `iou_threshold`. The result is that of the plain greedy loop, but
    images are treated side by side and all shapes but the batch are static, so XLA compiles it.

    Args:
      boxes: [B, N, 4] float32 yxyx in any unit; not clipped. N and C must be static.
      scores: [B, N, C] float32. Every class of a box is a candidate of its own; with
        `class_agnostic` only its best class is.
      score_threshold: a candidate must score more than this.
      iou_threshold: overlap above which the candidate of lower score is dropped.
      max_detections: K, the rows of the output.
      pre_nms_top_k: candidates an image, over all classes, that enter: the best ones.
      max_per_class: most detections of one class in an image; None: no such limit.

    Returns:
      detection_boxes [B, K, 4], detection_scores [B, K], detection_classes [B, K] int32 and
      num_detections [B] int32, by falling score. Unused rows are zeros with class -1.
    """
    # What fails the threshold, NaN as well, becomes -inf: it sorts last and is no candidate.
    scores = tf.where(scores > score_threshold, scores, -float("inf"))
    candidates = _sort_candidates(boxes, scores, class_agnostic, pre_nms_top_k)
    greedy = _Greedy(candidates, iou_threshold, max_detections, class_agnostic, max_per_class)
    kept, count = greedy.run()
    used = tf.range(max_detections) < count[:, tf.newaxis]
    return {
        "detection_boxes": tf.where(used[..., tf.newaxis], kept.boxes, 0.0),
        "detection_scores": tf.where(used, kept.scores, 0.0),
        "detection_classes": tf.where(used, kept.classes, -1),
        "num_detections": count,
    }


class _Candidates(NamedTuple):
    boxes: tf.Tensor  # [B, P, 4]
    scores: tf.Tensor  # [B, P]; -inf: no candidate
    classes: tf.Tensor  # [B, P] int32

    def take(self, index: tf.Tensor) -> "_Candidates":
        """Those at `index` [B, Q] int32."""
        return _Candidates(*(tf.gather(values, index, batch_dims=1) for values in self))

    def block(self, number: tf.Tensor) -> "_Candidates":
        """The `_BLOCK` candidates of one block."""
        size = self.scores.shape[1] // _BLOCK
        return _Candidates(
            *(
                tf.gather(tf.reshape(values, [-1, size, _BLOCK, *values.shape[2:]]), number, axis=1)
                for values in self
            )
        )


def _sort_candidates(boxes, scores, class_agnostic, top_k) -> _Candidates:
    """The `top_k` best (box, class) pairs by falling score, padded to whole blocks with -inf."""
    boxes_in, classes_in = scores.shape[1:]
    # The best k pairs lie in the k boxes whose best class scores highest: those are found first,
    # for a search through N scores costs far less than one through N * C.
    best, index = tf.math.top_k(tf.reduce_max(scores, axis=2), min(top_k, boxes_in))
    boxes, scores = tf.gather(boxes, index, batch_dims=1), tf.gather(scores, index, batch_dims=1)
    if class_agnostic:
        scores, labels = best, tf.argmax(scores, axis=2, output_type=tf.int32)
    else:
        pairs = scores.shape[1] * classes_in
        scores, index = tf.math.top_k(
            tf.reshape(scores, [tf.shape(scores)[0], pairs]), min(top_k, pairs)
        )
        boxes = tf.gather(boxes, index // classes_in, batch_dims=1)
        labels = index % classes_in
    missing = -scores.shape[1] % _BLOCK if scores.shape[1] else _BLOCK
    return _Candidates(
        tf.pad(boxes, [[0, 0], [0, missing], [0, 0]]),
        tf.pad(scores, [[0, 0], [0, missing]], constant_values=-float("inf")),
        tf.pad(labels, [[0, 0], [0, missing]]),
    )


class _Greedy(NamedTuple):
    """The greedy pass, block by block: a block against what is kept, then against itself."""

    candidates: _Candidates
    iou_threshold: float
    max_detections: int
    class_agnostic: bool
    max_per_class: int | None

    def run(self) -> tuple[_Candidates, tf.Tensor]:
        """The kept candidates, [B, K] rows of which the first `count` [B] are in use."""
        batch = tf.shape(self.candidates.scores)[0]
        # Positions of the kept ones, in order, and a spare column for those that are not.
        kept = tf.zeros([batch, self.max_detections + 1], tf.int32)
        state = [0, kept, tf.zeros([batch], tf.int32)]
        _, kept, count = tf.while_loop(self._unfinished, self._step, state)
        return self.candidates.take(kept[:, :-1]), count

    def _unfinished(self, number, kept, count):
        """Is there an image with room whose next block holds a candidate?"""
        del kept
        firsts = self.candidates.scores[:, ::_BLOCK]
        first = tf.gather(firsts, tf.minimum(number, firsts.shape[1] - 1), axis=1)
        open_images = (first > -float("inf")) & (count < self.max_detections)
        return (number < firsts.shape[1]) & tf.reduce_any(open_images)

    def _step(self, number, kept, count):
        block = self.candidates.block(number)
        previous = self.candidates.take(kept[:, :-1])
        used = (tf.range(self.max_detections) < count[:, tf.newaxis])[..., tf.newaxis]
        earlier = tf.range(_BLOCK)[:, tf.newaxis] < tf.range(_BLOCK)

        drops_block = self._rivals(previous, block) & used
        alive = (block.scores > -float("inf")) & ~tf.reduce_any(drops_block, axis=1)
        keep = _resolve(alive, self._rivals(block, block) & earlier)
        if self.max_per_class is not None:
            before = _same_class(previous, block) & used
            inside = _same_class(block, block) & earlier & keep[..., tf.newaxis]
            keep &= _count(tf.concat([before, inside], axis=1)) < self.max_per_class

        rank = count[:, tf.newaxis] + tf.cumsum(tf.cast(keep, tf.int32), axis=1, exclusive=True)
        slot = tf.where(keep, tf.minimum(rank, self.max_detections), self.max_detections)
        image = tf.broadcast_to(tf.range(tf.shape(slot)[0])[:, tf.newaxis], tf.shape(slot))
        position = tf.broadcast_to(number * _BLOCK + tf.range(_BLOCK), tf.shape(slot))
        kept = tf.tensor_scatter_nd_update(kept, tf.stack([image, slot], axis=-1), position)
        return number + 1, kept, tf.minimum(count + _count(keep), self.max_detections)

    def _rivals(self, a: _Candidates, b: _Candidates) -> tf.Tensor:
        """[B, I, J]: may `a`'s i-th, once kept, drop `b`'s j-th?"""
        overlap = pairwise_iou(a.boxes, b.boxes) > self.iou_threshold
        return overlap if self.class_agnostic else overlap & _same_class(a, b)


def _same_class(a: _Candidates, b: _Candidates) -> tf.Tensor:
    return a.classes[:, :, tf.newaxis] == b.classes[:, tf.newaxis]


def _count(mask: tf.Tensor) -> tf.Tensor:
    return tf.math.count_nonzero(mask, axis=1, dtype=tf.int32)


def _resolve(alive: tf.Tensor, drops: tf.Tensor) -> tf.Tensor:
    """Greedy choice [B, M] among `alive` [B, M], where `drops` [B, i, j] says that i ends j.

    Only earlier ones drop later ones, so repeating "keep what no kept one drops" settles the
    candidates from the front and stops at the one solution, after as many rounds as the
    longest chain of drops.
    """

    def keep_again(keep, _):
        return alive & ~tf.reduce_any(drops & keep[..., tf.newaxis], axis=1), keep

    def changed(keep, before):
        return tf.reduce_any(keep != before)

    return tf.while_loop(changed, keep_again, keep_again(alive, None))[0]
