"""Batch norm over all replicas.

tf_keras' own synchronised batch norm adds up over the replicas six times a layer and step in place
of twice, and each of its gradients searches the graphs of all replicas: minutes in a large network.
"""

import tensorflow as tf
from tf_keras import layers

from yolo_tf.models.layers import register
from yolo_tf.ops.replicas import global_sum


@register
class SynchronizedBatchNorm(layers.BatchNormalization):
    """In training, mean and variance are those of the batches of all replicas together, in float32.

    Otherwise, and in its weights, as `layers.BatchNormalization`. The last axis is normalised.
    """

    def call(self, inputs, training=None):
        if not (training and self.trainable):
            return super().call(inputs, training=False)
        x = tf.cast(inputs, tf.float32)
        mean, variance, count = _moments(x)
        momentum = self.momentum
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(momentum * moving + (1 - momentum) * value)
        root = tf.math.rsqrt(variance + self.epsilon)
        y = _normalize(x, self.gamma, self.beta, mean, root, count)
        return tf.cast(y, inputs.dtype)


def _moments(x) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """[..., C] -> mean [C], biased variance [C] and number of values [1] of all replicas."""
    axes, channels = list(range(x.shape.rank - 1)), x.shape[-1]
    count = tf.cast(tf.size(x) // channels, x.dtype)[None]
    sums = tf.reduce_sum(x, axes), tf.reduce_sum(tf.square(x), axes), count
    total = global_sum(tf.concat(sums, 0))
    total, squares, count = tf.split(total, [channels, channels, 1])
    mean = total / count
    return mean, tf.maximum(squares / count - tf.square(mean), 0.0), count


@tf.custom_gradient
def _normalize(x, gamma, beta, mean, root, count):
    """(x - mean) root gamma + beta; its gradient sees that mean and root depend on x.

    Source: S. Ioffe, C. Szegedy, "Batch Normalization", 2015, arXiv:1502.03167, section 3, with
    the two sums of the gradient over all replicas.
    """
    normal = (x - mean) * root

    def gradient(dy):
        axes = list(range(x.shape.rank - 1))
        by_beta, by_gamma = tf.reduce_sum(dy, axes), tf.reduce_sum(dy * normal, axes)
        total = global_sum(tf.concat([by_beta, by_gamma], 0)) / count
        mean_beta, mean_gamma = tf.split(total, 2)
        dx = (dy - mean_beta - normal * mean_gamma) * (root * gamma)
        return dx, by_gamma, by_beta, None, None, None

    return normal * gamma + beta, gradient
