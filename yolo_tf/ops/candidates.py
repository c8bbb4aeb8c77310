"""What goes into non-maximum suppression and what comes out, whatever its rule."""

from typing import NamedTuple

import tensorflow as tf


class Candidates(NamedTuple):
    """(box, class) pairs; Q of them in each image."""

    boxes: tf.Tensor  # [B, Q, 4]
    scores: tf.Tensor  # [B, Q]; -inf: no candidate
    classes: tf.Tensor  # [B, Q] int32

    def take(self, index: tf.Tensor) -> "Candidates":
        """Those at `index` [B, R] int32."""
        return Candidates(*(tf.gather(values, index, batch_dims=1) for values in self))

    def detections(self, count: tf.Tensor) -> dict[str, tf.Tensor]:
        """The first `count` [B] int32 of each image as detections, all others as padding."""
        used = tf.range(self.scores.shape[1]) < count[:, tf.newaxis]
        return {
            "detection_boxes": tf.where(used[..., tf.newaxis], self.boxes, 0.0),
            "detection_scores": tf.where(used, self.scores, 0.0),
            "detection_classes": tf.where(used, self.classes, -1),
            "num_detections": count,
        }


def sort_candidates(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    score_threshold: float,
    class_agnostic: bool,
    top_k: int,
    multiple: int = 1,
) -> Candidates:
    """The best pairs of box and class, by falling score.

    Args:
      boxes: [B, N, 4] float32 yxyx. N and C must be static.
      scores: [B, N, C] float32.
      score_threshold: a candidate must score more than this; NaN does not.
      class_agnostic: only the best class of a box is a candidate.
      top_k: most candidates of an image, over all classes.
      multiple: Q becomes the next multiple of this, but never 0; -inf fills up.
    """
    # What fails the threshold, NaN as well, becomes -inf: it sorts last and is no candidate.
    scores = tf.where(scores > score_threshold, scores, -float("inf"))
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
    missing = -scores.shape[1] % multiple if scores.shape[1] else multiple
    return Candidates(
        tf.pad(boxes, [[0, 0], [0, missing], [0, 0]]),
        tf.pad(scores, [[0, 0], [0, missing]], constant_values=-float("inf")),
        tf.pad(labels, [[0, 0], [0, missing]]),
    )
