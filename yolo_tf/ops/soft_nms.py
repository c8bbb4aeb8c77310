"""Soft non-maximum suppression for batches: a box that overlaps a better one loses score."""

import tensorflow as tf

from yolo_tf.ops.boxes import iou
from yolo_tf.ops.candidates import CandidateConfig, Candidates, sort_candidates

_NEVER = -float("inf")  # score of what is no candidate, or none any more


def soft_nms(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    score_threshold: float,
    max_detections: int,
    soft_sigma: float = 0.5,
    soft_cut: float = 1.0,
    class_agnostic: bool = False,
    pre_nms_top_k: int = 5000,
) -> dict[str, tf.Tensor]:
    """Gaussian soft-NMS (Bodla et al., arXiv:1704.04503).

    The candidate of the highest score is picked, of equal ones that which scored higher at the
    start. The score of every other one of its class, or with `class_agnostic` of any class, is
    multiplied by exp(-IoU^2 / soft_sigma). So on, until `max_detections` are picked or none is
    left above the threshold. Images are treated side by side and all shapes but the batch are
    static, so XLA compiles it.

    Args:
      boxes: [B, N, 4] float32 yxyx in any unit; not clipped. N and C must be static.
      scores: [B, N, C] float32. Every class of a box is a candidate of its own; with
        `class_agnostic` only its best class is.
      score_threshold: a candidate must score more than this when it is picked.
      max_detections: K, the rows of the output.
      soft_sigma: above 0; the smaller, the more is lost. Twice TensorFlow's `soft_nms_sigma`,
        whose weight is exp(-IoU^2 / (2 sigma)).
      soft_cut: a candidate whose IoU with a picked one is greater is dropped; 1: none is.
      pre_nms_top_k: candidates an image, over all classes, that enter: the best ones.

    Returns:
      detection_boxes [B, K, 4], detection_scores [B, K] as lowered, detection_classes [B, K]
      int32 and num_detections [B] int32, by falling score. Unused rows are zeros with class -1.
    """
    config = CandidateConfig(score_threshold, class_agnostic, pre_nms_top_k)
    candidates = sort_candidates(boxes, scores, config)
    return soft(candidates, score_threshold, max_detections, soft_sigma, soft_cut, class_agnostic)


def soft(
    candidates: Candidates,
    score_threshold: float,
    max_detections: int,
    soft_sigma: float,
    soft_cut: float,
    class_agnostic: bool,
) -> dict[str, tf.Tensor]:
    """The rule of `soft_nms`."""
    candidates = candidates.fill(1)

    def step(number, left, picks, pick_scores):
        pick, score = tf.argmax(left, axis=1, output_type=tf.int32), tf.reduce_max(left, axis=1)
        column = tf.range(max_detections) == number
        picks = tf.where(column, pick[:, tf.newaxis], picks)
        pick_scores = tf.where(column, score[:, tf.newaxis], pick_scores)

        lowered = left * _weights(candidates, pick, soft_sigma, soft_cut, class_agnostic)
        picked = tf.range(left.shape[1]) == pick[:, tf.newaxis]
        # What was no candidate has become NaN where its weight is 0: not above the threshold.
        left = tf.where((lowered > score_threshold) & ~picked, lowered, _NEVER)
        return number + 1, left, picks, pick_scores

    def unfinished(number, left, picks, pick_scores):
        del picks, pick_scores
        return (number < max_detections) & tf.reduce_any(left > _NEVER)

    rows = [tf.shape(candidates.scores)[0], max_detections]
    state = [0, candidates.scores, tf.zeros(rows, tf.int32), tf.fill(rows, _NEVER)]
    _, _, picks, scores = tf.while_loop(unfinished, step, state)
    count = tf.math.count_nonzero(scores > _NEVER, axis=1, dtype=tf.int32)
    return candidates.take(picks)._replace(scores=scores).detections(count)


def _weights(candidates: Candidates, pick, soft_sigma, soft_cut, class_agnostic) -> tf.Tensor:
    """[B, Q]: what is left of each score once candidate `pick` [B] is picked."""
    picked = candidates.take(pick[:, tf.newaxis])
    overlap = iou(picked.boxes, candidates.boxes)
    rival = overlap > 0  # false where a box is NaN, which lowers no other one
    if not class_agnostic:
        rival &= picked.classes == candidates.classes
    weights = tf.where(rival, tf.exp(-tf.square(overlap) / soft_sigma), 1.0)
    # The IoU of equal boxes may round to more than 1.
    return tf.where(rival & (overlap > soft_cut), 0.0, weights) if soft_cut < 1 else weights
