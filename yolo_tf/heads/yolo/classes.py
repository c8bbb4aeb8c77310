"""Class logits to probabilities and their loss: independent classes, or one class a box."""

import math

import tensorflow as tf

from yolo_tf.ops.candidates import Pairs, Search, best_pairs

# A cell's box is compared with the truths only if it is this sure of a class (E4.5, E4.16).
_SURE = 0.25


class Sigmoid:
    """Each class for itself: YOLOv3 and later."""

    @staticmethod
    def probability(logits: tf.Tensor) -> tf.Tensor:
        """[..., C] -> [..., C]."""
        return tf.sigmoid(logits)

    @staticmethod
    def best_pairs(logits: tf.Tensor, objectness: tf.Tensor, search: Search) -> Pairs:
        """`candidates.best_pairs` of logits [B, N, C] and the probability of each box [B, N]."""
        return best_pairs(logits, search, objectness, tf.sigmoid)

    @staticmethod
    def entropy(truth: tf.Tensor, logits: tf.Tensor, smoothing: float) -> tf.Tensor:
        """Cross-entropy of each class: truth [..., C] in {0, 1} and logits -> [..., C]."""
        truth = truth * (1 - smoothing) + smoothing / 2
        return tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)

    @staticmethod
    def likely(logits: tf.Tensor) -> tf.Tensor:
        """[..., C] -> [..., C] bool: classes of a probability above 0.25."""
        return logits > math.log(_SURE / (1 - _SURE))


class Softmax:
    """Classes that exclude each other: YOLOv2's region layer. Methods as `Sigmoid`'s."""

    @staticmethod
    def probability(logits: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(logits)

    @staticmethod
    def best_pairs(logits: tf.Tensor, objectness: tf.Tensor, search: Search) -> Pairs:
        return best_pairs(tf.nn.softmax(logits), search, objectness)

    @staticmethod
    def entropy(truth: tf.Tensor, logits: tf.Tensor, smoothing: float) -> tf.Tensor:
        truth = truth * (1 - smoothing) + smoothing / logits.shape[-1]
        return -truth * tf.nn.log_softmax(logits)

    @staticmethod
    def likely(logits: tf.Tensor) -> tf.Tensor:
        return tf.nn.log_softmax(logits) > math.log(_SURE)


# config.head.class_activation -> how class logits are read
CLASS_ACTIVATIONS = {"sigmoid": Sigmoid, "softmax": Softmax}
