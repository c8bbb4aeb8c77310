"""What goes into non-maximum suppression and what comes out, whatever its rule."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

_NEVER = -float("inf")  # score of what is no candidate


class Candidates(NamedTuple):
    """(box, class) pairs by falling score; Q of them in each image."""

    boxes: tf.Tensor  # [B, Q, 4] yxyx
    scores: tf.Tensor  # [B, Q]; -inf: no candidate
    classes: tf.Tensor  # [B, Q] int32

    def take(self, index: tf.Tensor) -> "Candidates":
        """Those at `index` [B, R] int32."""
        return Candidates(*(tf.gather(values, index, batch_dims=1) for values in self))

    def followed_by(self, others: "Candidates") -> "Candidates":
        """[B, Q + R]: these, then `others` [B, R]."""
        return Candidates(*(tf.concat(pair, axis=1) for pair in zip(self, others, strict=True)))

    def fill(self, multiple: int) -> "Candidates":
        """With none added until Q is a multiple of this, and not 0."""
        missing = -self.scores.shape[1] % multiple if self.scores.shape[1] else multiple
        return Candidates(
            tf.pad(self.boxes, [[0, 0], [0, missing], [0, 0]]),
            tf.pad(self.scores, [[0, 0], [0, missing]], constant_values=_NEVER),
            tf.pad(self.classes, [[0, 0], [0, missing]]),
        )

    def detections(self, count: tf.Tensor) -> dict[str, tf.Tensor]:
        """The first `count` [B] int32 of each image as detections, all others as padding."""
        used = tf.range(self.scores.shape[1]) < count[:, tf.newaxis]
        return {
            "detection_boxes": tf.where(used[..., tf.newaxis], self.boxes, 0.0),
            "detection_scores": tf.where(used, self.scores, 0.0),
            "detection_classes": tf.where(used, self.classes, -1),
            "num_detections": count,
        }


class CandidateConfig(NamedTuple):
    """Which (box, class) pairs are candidates; the names are NmsConfig's."""

    score_threshold: float  # a candidate must score more than this; NaN does not
    class_agnostic: bool  # only the best class of a box is a candidate
    pre_nms_top_k: int  # most candidates of an image, over all classes

    @classmethod
    def of(cls, settings: dict) -> "CandidateConfig":
        """Its part of all settings of suppression, by name."""
        return cls(*(settings[name] for name in cls._fields))


class ScoredPairs(NamedTuple):
    """The candidates of an image, whose boxes are still to be decoded."""

    index: tf.Tensor  # [B, Q] int32, which box
    scores: tf.Tensor  # [B, Q] by falling score; -inf: no candidate
    classes: tf.Tensor  # [B, Q] int32

    def candidates(self, boxes: tf.Tensor) -> Candidates:
        """With their boxes [B, Q, 4]."""
        return Candidates(boxes, self.scores, self.classes)


def sort_candidates(boxes: tf.Tensor, scores: tf.Tensor, config: CandidateConfig) -> Candidates:
    """The best pairs of box and class, by falling score.

    Args:
      boxes: [B, N, 4] float32 yxyx. N and C must be static.
      scores: [B, N, C] float32.
    """
    pairs = best_pairs(scores, config)
    return pairs.candidates(tf.gather(boxes, pairs.index, batch_dims=1))


def best_pairs(
    values: tf.Tensor,
    config: CandidateConfig,
    objectness: tf.Tensor | None = None,
    activation: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> ScoredPairs:
    """The pairs of highest score, for which few scores are computed.

    The best k pairs lie in the k groups of classes whose best class scores highest. So a search
    through one number a group finds those groups, and a second one the pairs in them.

    Args:
      values: [B, N, C] float32; N and C must be static.
      search: what counts as a pair; Q is at most its `pre_nms_top_k`.
      objectness: [B, N] float32, the score of a box whose class is sure; 1 where not given.
      activation: elementwise and never falling, to [0, 1]. The score of a pair is
        objectness * activation(value).
    """
    boxes, classes = values.shape[1:]
    if not boxes:
        none = tf.zeros([tf.shape(values)[0], 0], tf.int32)
        return ScoredPairs(none, tf.cast(none, tf.float32), none)
    size = classes if config.class_agnostic else _group_size(boxes, classes, config.pre_nms_top_k)
    per_box = classes // size
    values = tf.reshape(values, [-1, boxes * per_box, size])

    best = activation(tf.reduce_max(values, axis=2))
    if size > 1:
        # NaN hides the others of its group, so they are examined as if it were certain.
        best = tf.where(best >= _NEVER, best, 1.0)
    if objectness is not None:
        best = tf.reshape(best, [-1, boxes, per_box]) * objectness[..., tf.newaxis]
    group, best = _highest(tf.reshape(best, [-1, boxes * per_box]), config)
    if size == 1:
        return ScoredPairs(group // per_box, best, group % per_box)

    scores = activation(tf.gather(values, group, batch_dims=1))
    if objectness is not None:
        scores *= tf.gather(objectness, group // per_box, batch_dims=1)[..., tf.newaxis]
    if config.class_agnostic:
        numbers = tf.where(scores > _NEVER, scores, _NEVER)
        place, scores = _highest(tf.reduce_max(numbers, axis=2), config)
        label = tf.gather(tf.argmax(numbers, axis=2, output_type=tf.int32), place, batch_dims=1)
        return ScoredPairs(tf.gather(group, place, batch_dims=1), scores, label)
    pairs = scores.shape[1] * size
    place, scores = _highest(tf.reshape(scores, [-1, pairs]), config)
    group = tf.gather(group, place // size, batch_dims=1)
    return ScoredPairs(group // per_box, scores, group % per_box * size + place % size)


def split_columns(raw: tf.Tensor, at: int) -> tuple[tf.Tensor, tf.Tensor]:
    """[B, N, K] -> [B, N, at] and [B, N, K - at].

    By way of a matrix, whose rows TensorFlow copies whole: on CPUs twice as fast as `tf.split`.
    """
    rows, columns = raw.shape[1:]
    flat = tf.reshape(raw, [-1, columns])
    parts = flat[:, :at], flat[:, at:]
    return tuple(tf.reshape(part, [-1, rows, part.shape[1]]) for part in parts)


def _highest(scores: tf.Tensor, config: CandidateConfig) -> tuple[tf.Tensor, tf.Tensor]:
    """Where the highest of [B, M] are, and these: [B, Q], -inf for what is no candidate."""
    # What fails the threshold, NaN as well, becomes -inf: it sorts last and is no candidate.
    scores = tf.where(scores > config.score_threshold, scores, _NEVER)
    scores, index = tf.math.top_k(scores, min(config.pre_nms_top_k, scores.shape[1]))
    return index, scores


def _group_size(boxes: int, classes: int, top_k: int) -> int:
    """Classes a group, so that both searches together look at the fewest numbers."""

    def looked_at(size):
        groups = boxes * classes // size
        return groups + (min(top_k, groups) * size if size > 1 else 0)

    return min((size for size in range(1, classes + 1) if classes % size == 0), key=looked_at)
