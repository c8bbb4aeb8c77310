"""Non-maximum suppression for batches, class by class or over all classes (algorithms.md 5)."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from yolo_tf.ops.boxes import diou, iou
from yolo_tf.ops.candidates import CandidateConfig, Candidates, sort_candidates
from yolo_tf.ops.soft_nms import soft

_HUGE = 1e15  # sides below it have areas and diagonals that are numbers in float32
_BLOCK = 128  # candidates resolved together: more waste comparisons, fewer need more loops


def suppress(candidates: Candidates, kind: str, **settings) -> dict[str, tf.Tensor]:
    """Candidates to detections, by any rule.

    Args:
      candidates: as `Head.candidates` or `sort_candidates` gives them.
      kind: a key of `NMS_KINDS`.
      settings: the arguments of all rules, by name; each takes its own.

    Returns:
      detection_boxes [B, K, 4], detection_scores [B, K], detection_classes [B, K] int32 and
      num_detections [B] int32, by falling score. Unused rows are zeros with class -1.
    """
    function, names = NMS_KINDS[kind]
    return function(candidates, **{name: settings[name] for name in names})


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
    config = CandidateConfig(score_threshold, class_agnostic, pre_nms_top_k)
    candidates = sort_candidates(boxes, scores, config)
    return greedy(candidates, iou_threshold, max_detections, class_agnostic, max_per_class)


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
    config = CandidateConfig(score_threshold, class_agnostic, pre_nms_top_k)
    candidates = sort_candidates(boxes, scores, config)
    return greedy_diou(
        candidates, iou_threshold, max_detections, beta, class_agnostic, max_per_class
    )


def greedy(
    candidates: Candidates,
    iou_threshold: float,
    max_detections: int,
    class_agnostic: bool,
    max_per_class: int | None = None,
    overlap: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = iou,
) -> dict[str, tf.Tensor]:
    """The rule of `non_max_suppression`, with any elementwise measure of two boxes."""
    rule = _Rule(overlap, iou_threshold, class_agnostic, max_per_class)
    candidates = candidates.fill(_BLOCK)
    # A box that is no number is compared as an empty one: it drops none and none drops it.
    numbers = tf.reduce_all(tf.abs(candidates.boxes) < _HUGE, axis=2, keepdims=True)
    compared = candidates._replace(boxes=tf.where(numbers, candidates.boxes, 0.0))
    count, kept = _Greedy(compared, rule, max_detections).run()
    return candidates.take(kept).detections(count)


def greedy_diou(
    candidates: Candidates,
    iou_threshold: float,
    max_detections: int,
    beta: float,
    class_agnostic: bool,
    max_per_class: int | None = None,
) -> dict[str, tf.Tensor]:
    """The rule of `diou_nms`."""
    overlap = functools.partial(diou, beta=beta)
    return greedy(candidates, iou_threshold, max_detections, class_agnostic, max_per_class, overlap)


# kind -> function of candidates, and its arguments. Their names are NmsConfig's.
_COMMON = ("max_detections", "class_agnostic")
NMS_KINDS = {
    "greedy": (greedy, (*_COMMON, "iou_threshold")),
    "diou": (greedy_diou, (*_COMMON, "iou_threshold", "beta")),
    "soft": (soft, (*_COMMON, "score_threshold", "soft_sigma", "soft_cut")),
}


class _Rule(NamedTuple):
    """When a kept candidate drops another one."""

    overlap: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # elementwise measure of two boxes
    threshold: float
    class_agnostic: bool
    max_per_class: int | None

    def rivalry(self, a: Candidates, b: Candidates, may: tf.Tensor) -> tf.Tensor:
        """[B, I, J]: above 0 where `a`'s i-th, once kept, drops `b`'s j-th; 0 elsewhere.

        A number in place of a comparison, whose bools TensorFlow makes and reduces far slower on
        CPUs. Boxes must be numbers.

        Args:
          may: [I, J] bool: can the one drop the other at all?
        """
        measure = self.overlap(a.boxes[:, :, tf.newaxis], b.boxes[:, tf.newaxis])
        excess = tf.maximum(measure - self.threshold, 0.0)
        rivals = may if self.class_agnostic else _same_class(a, b) & may
        return tf.where(rivals, excess, 0.0)


class _Greedy(NamedTuple):
    """The greedy pass, block by block: a block against what is kept, then against itself."""

    candidates: Candidates
    rule: _Rule
    max_detections: int

    def run(self) -> tuple[tf.Tensor, tf.Tensor]:
        """How many are kept, [B] int32, and their positions in order, [B, K] int32."""
        scores = self.candidates.scores
        total = _count(scores > -float("inf"))
        # Positions of the kept ones, in order, and a spare column for those that are not.
        kept = tf.zeros([tf.shape(scores)[0], self.max_detections + 1], tf.int32)

        def unfinished(number, kept, count):
            """Is there an image with room whose next block holds a candidate?"""
            del kept
            return tf.reduce_any((number * _BLOCK < total) & (count < self.max_detections))

        state = [0, kept, tf.zeros_like(total)]
        _, kept, count = tf.while_loop(unfinished, self._step, state)
        return count, kept[:, :-1]

    def _step(self, number, kept, count):
        block = self._block(number)
        known = self._kept(kept, count).followed_by(block)
        drops = self.rule.rivalry(known, block, self._earlier())
        alive = block.scores > -float("inf")
        alive &= tf.reduce_max(drops[:, : self.max_detections], axis=1) == 0
        keep = _resolve(alive, drops[:, self.max_detections :])
        if self.rule.max_per_class is not None:
            keep = self._limit(keep, known, block)

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

    def _kept(self, kept, count) -> Candidates:
        """[B, K] kept so far; the rest are empty boxes of no class, which drop nothing."""
        found = self.candidates.take(kept[:, :-1])
        used = tf.range(self.max_detections) < count[:, tf.newaxis]
        boxes = tf.where(used[..., tf.newaxis], found.boxes, 0.0)
        return found._replace(boxes=boxes, classes=tf.where(used, found.classes, -1))

    def _earlier(self) -> tf.Tensor:
        """[K + block, block]: does the one come before the other? All that are kept do."""
        order = tf.range(-self.max_detections, _BLOCK)
        return order[:, tf.newaxis] < tf.range(_BLOCK)

    def _limit(self, keep, known: Candidates, block: Candidates) -> tf.Tensor:
        """Of `keep` [B, block] those that the limit of their class has room for."""
        same = _same_class(known, block) & self._earlier()
        before, inside = tf.split(same, [self.max_detections, _BLOCK], axis=1)
        inside &= keep[..., tf.newaxis]
        return keep & (_count(tf.concat([before, inside], axis=1)) < self.rule.max_per_class)


def _same_class(a: Candidates, b: Candidates) -> tf.Tensor:
    return a.classes[:, :, tf.newaxis] == b.classes[:, tf.newaxis]


def _count(mask: tf.Tensor) -> tf.Tensor:
    return tf.math.count_nonzero(mask, axis=1, dtype=tf.int32)


def _resolve(alive: tf.Tensor, drops: tf.Tensor) -> tf.Tensor:
    """Greedy choice [B, M] among `alive` [B, M], where `drops` [B, i, j] is above 0 if i ends j.

    Only earlier ones drop later ones, so repeating "keep what no kept one drops" settles the
    candidates from the front and stops at the one solution, after as many rounds as the
    longest chain of drops.
    """

    def again(keep):
        hits = tf.reduce_max(drops * tf.cast(keep, tf.float32)[..., tf.newaxis], axis=1)
        return alive & (hits == 0)

    def two_rounds(keep, _):
        before = again(keep)
        return again(before), before

    def changed(keep, before):
        return tf.reduce_any(keep != before)

    return tf.while_loop(changed, two_rounds, two_rounds(alive, None))[0]
