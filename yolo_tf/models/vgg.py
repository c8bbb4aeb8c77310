"""VGG-16 as SSD uses it.

Sources: K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", 2014, arXiv:1409.1556; W. Liu et al., "SSD: Single Shot MultiBox Detector", 2016,
arXiv:1512.02325, for the last layers; W. Liu et al., "ParseNet", 2015, arXiv:1506.04579, for the
normalisation.
"""

import tensorflow as tf
import tf_keras
from tf_keras import layers

from yolo_tf.models.blocks import Darknet
from yolo_tf.models.layers import max_pool

_EPSILON = 1e-6  # least squared length, so that a place without any activation stays finite


def vgg16(net: Darknet, images) -> dict:
    """VGG-16 up to conv5_3, and its first two dense layers as convolutions: numbers 0 to 14.

    13 convolutions in five stages; pool5 has size 3 and stride 1; fc6 is a convolution with
    dilation 6, fc7 one of size 1. Unlike the paper's it has batch normalisation, since it starts
    from random weights, from which the plain VGG-16 hardly learns.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3].

    Returns:
      {8: [B, ceil(H/8), ceil(W/8), 512] (conv4_3), 16: [B, ceil(H/16), ceil(W/16), 1024] (fc7)}.
    """
    x, stages = images, []
    for filters, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        x = max_pool(x) if stages else x
        for _ in range(convolutions):
            x = net.conv(x, filters, 3, activation="relu")
        stages.append(x)
    x = max_pool(x, 3, 1)
    x = net.conv(x, 1024, 3, dilation=6, activation="relu")
    return {8: stages[3], 16: net.conv(x, 1024, 1, activation="relu")}


class L2Normalise(layers.Layer):
    """Every place's features at one length, times a learnt scale for each channel.

    [B, H, W, C] to the same. It brings an early layer, whose activations are of another size, to
    the size of the later ones.
    """

    def __init__(self, initial_scale: float = 20.0, **kwargs):
        super().__init__(**kwargs)
        self.initial_scale = initial_scale

    def build(self, input_shape):
        # Called gamma like that of batch normalisation, so that weight decay leaves it alone.
        self.scale = self.add_weight(
            name="gamma",
            shape=input_shape[-1:],
            dtype=tf.float32,
            initializer=tf_keras.initializers.Constant(self.initial_scale),
        )
        super().build(input_shape)

    def call(self, inputs):
        wide = tf.cast(inputs, tf.float32)  # squares overflow float16
        unit = tf.math.l2_normalize(wide, axis=-1, epsilon=_EPSILON)
        return tf.cast(unit * tf.cast(self.scale, tf.float32), inputs.dtype)
