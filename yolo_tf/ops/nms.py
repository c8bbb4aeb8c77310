"""Non-maximum suppression for batches, class by class or over all classes (SPEC 5)."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from yolo_tf.ops.boxes import diou, iou
from yolo_tf.ops.candidates import Candidates, sort_candidates
from yolo_tf.ops.soft_nms import soft_nms

_BLOCK = 128  # candidates resolved at once: larger compares more in vain, smaller loops more


def suppress(boxes: tf.Tensor, scores: tf.Tensor, kind: str, **settings) -> dict[str, tf.Tensor]:
    """Decoded boxes to detections, by any rule.

    Args:
      boxes: [B, N, 4] float32 yxyx.
      scores: [B, N, C] float32.
      kind: a key of `NMS_KINDS`.
      settings: the arguments of all rules, by name; each takes its own.

    Returns:
      detection_boxes [B, K, 4], detection_scores [B, K], detection_classes [B, K] int32 and
      num_detections [B] int32, by falling score. Unused rows are zeros with class -1.
    """
    function, own = NMS_KINDS[kind]
    names = ("score_threshold", "max_detections", "class_agnostic", "pre_nms_top_k", *own)
    return function(boxes, scores, **{name: settings[name] for name in names})


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
    """Greedy NMS: keeps the best of boxes that overlap.

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
      max_per_class: most detections of one class in an image; None: no such limit. It means
        nothing together with `class_agnostic`.

    Returns:
      detection_boxes [B, K, 4], detection_scores [B, K], detection_classes [B, K] int32 and
      num_detections [B] int32, by falling score. Unused rows are zeros with class -1.
    """
    candidates = sort_candidates(
        boxes, scores, score_threshold, class_agnostic, pre_nms_top_k, multiple=_BLOCK
    )
    rule = _Rule(iou, iou_threshold, class_agnostic, max_per_class)
    return _Greedy(candidates, rule, max_detections).run()


def diou_nms(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    score_threshold: float,
    iou_threshold: float,
    max_detections: int,
    beta: float = 0.6,
    class_agnostic: bool = False,
    pre_nms_top_k: int = 5000,
    max_per_class: int | None = None,
) -> dict[str, tf.Tensor]:
    """DIoU-NMS (arXiv:1911.08287): boxes whose centres lie apart are sooner two objects.

    As `non_max_suppression`, but what is compared with `iou_threshold` is
    IoU - (centre distance / diagonal of the box around both)^(2 beta).

    Args:
      beta: above 0. The paper has 1; Darknet's "greedynms" has 0.6, "diounms" its `beta_nms`.
        The smaller, the more is kept.

    The other arguments and the result are those of `non_max_suppression`.
    """
    candidates = sort_candidates(
        boxes, scores, score_threshold, class_agnostic, pre_nms_top_k, multiple=_BLOCK
    )
    overlap = functools.partial(diou, beta=beta)
    rule = _Rule(overlap, iou_threshold, class_agnostic, max_per_class)
    return _Greedy(candidates, rule, max_detections).run()


# kind -> function, and those of its arguments that not all have. Their names are NmsConfig's.
NMS_KINDS = {
    "greedy": (non_max_suppression, ("iou_threshold",)),
    "diou": (diou_nms, ("iou_threshold", "beta")),
    "soft": (soft_nms, ("soft_sigma", "soft_cut")),
}


class _Rule(NamedTuple):
    """When a kept candidate drops another one."""

    overlap: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # elementwise measure of two boxes
    threshold: float
    class_agnostic: bool
    max_per_class: int | None

    def rivals(self, a: Candidates, b: Candidates) -> tf.Tensor:
        """[B, I, J]: may `a`'s i-th, once kept, drop `b`'s j-th?"""
        measure = self.overlap(a.boxes[:, :, tf.newaxis], b.boxes[:, tf.newaxis])
        drops = measure > self.threshold
        return drops if self.class_agnostic else drops & _same_class(a, b)


class _Greedy(NamedTuple):
    """The greedy pass, block by block: a block against what is kept, then against itself."""

    candidates: Candidates
    rule: _Rule
    max_detections: int

    def run(self) -> dict[str, tf.Tensor]:
        """The kept candidates as detections."""
        batch = tf.shape(self.candidates.scores)[0]
        # Positions of the kept ones, in order, and a spare column for those that are not.
        kept = tf.zeros([batch, self.max_detections + 1], tf.int32)
        state = [0, kept, tf.zeros([batch], tf.int32)]
        _, kept, count = tf.while_loop(self._unfinished, self._step, state)
        return self.candidates.take(kept[:, :-1]).detections(count)

    def _unfinished(self, number, kept, count):
        """Is there an image with room whose next block holds a candidate?"""
        del kept
        firsts = self.candidates.scores[:, ::_BLOCK]
        first = tf.gather(firsts, tf.minimum(number, firsts.shape[1] - 1), axis=1)
        open_images = (first > -float("inf")) & (count < self.max_detections)
        return (number < firsts.shape[1]) & tf.reduce_any(open_images)

    def _step(self, number, kept, count):
        block = self._block(number)
        previous = self.candidates.take(kept[:, :-1])
        used = (tf.range(self.max_detections) < count[:, tf.newaxis])[..., tf.newaxis]
        earlier = tf.range(_BLOCK)[:, tf.newaxis] < tf.range(_BLOCK)

        drops_block = self.rule.rivals(previous, block) & used
        alive = (block.scores > -float("inf")) & ~tf.reduce_any(drops_block, axis=1)
        keep = _resolve(alive, self.rule.rivals(block, block) & earlier)
        if self.rule.max_per_class is not None:
            before = _same_class(previous, block) & used
            inside = _same_class(block, block) & earlier & keep[..., tf.newaxis]
            keep &= _count(tf.concat([before, inside], axis=1)) < self.rule.max_per_class

        rank = count[:, tf.newaxis] + tf.cumsum(tf.cast(keep, tf.int32), axis=1, exclusive=True)
        slot = tf.where(keep, tf.minimum(rank, self.max_detections), self.max_detections)
        image = tf.broadcast_to(tf.range(tf.shape(slot)[0])[:, tf.newaxis], tf.shape(slot))
        position = tf.broadcast_to(number * _BLOCK + tf.range(_BLOCK), tf.shape(slot))
        kept = tf.tensor_scatter_nd_update(kept, tf.stack([image, slot], axis=-1), position)
        return number + 1, kept, tf.minimum(count + _count(keep), self.max_detections)

    def _block(self, number) -> Candidates:
        """The `_BLOCK` candidates of one block."""
        size = self.candidates.scores.shape[1] // _BLOCK
        return Candidates(
            *(
                tf.gather(tf.reshape(values, [-1, size, _BLOCK, *values.shape[2:]]), number, axis=1)
                for values in self.candidates
            )
        )


def _same_class(a: Candidates, b: Candidates) -> tf.Tensor:
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
