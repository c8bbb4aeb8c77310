"""SSD networks: features of a backbone, further levels made of them, 3x3 outputs on each.

Sources: W. Liu et al., "SSD: Single Shot MultiBox Detector", 2016, arXiv:1512.02325. VGG-16 as SSD
uses it: K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", 2014, arXiv:1409.1556; its normalisation: W. Liu et al., "ParseNet", 2015,
arXiv:1506.04579.
"""

import tensorflow as tf
import tf_keras
from tf_keras import layers

from yolo_tf.models import backbones
from yolo_tf.models.blocks import Darknet
from yolo_tf.models.layers import max_pool, register


def ssd300(net: Darknet, images, output_channels: dict) -> dict:
    """SSD300 on VGG-16: 15 convolutions of the backbone, 8 of conv6_1 to conv9_2, 6 outputs.

    Args:
      net: numbers and builds the convolutions.
      images: [B, 300, 300, 3].
      output_channels: {stride: channels} for strides 8, 16, 32, 64, 100 and 300.

    Returns:
      {stride: [B, cells, cells, channels]}, float32, with 38, 19, 10, 5, 3 and 1 cells a side.
    """
    levels = vgg16(net, images)
    levels[8] = L2Normalise(name="backbone_l2")(levels[8])
    # conv6 and conv7 halve the side, conv8 and conv9 lose its border. They have no batch
    # normalisation: the last has one cell an image, whose statistics mean nothing.
    settings = {"activation": "relu", "batch_norm": False}
    levels[32] = _extra_level(net, levels[16], 256, 512, **settings)
    levels[64] = _extra_level(net, levels[32], 128, 256, **settings)
    levels[100] = _extra_level(net, levels[64], 128, 256, stride=1, **settings)
    levels[300] = _extra_level(net, levels[100], 128, 256, stride=1, **settings)
    return _outputs(net, levels, output_channels)


def ssd_darknet53(net: Darknet, images, output_channels: dict) -> dict:
    """SSD on Darknet-53: 52 convolutions of the backbone, 4 of two further levels, 5 outputs.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3], sides in multiples of 32.
      output_channels: {stride: channels} for strides 8, 16, 32, 64 and 128.

    Returns:
      {stride: [B, ceil(H / stride), ceil(W / stride), channels]}, float32.
    """
    levels = backbones.darknet53(net, images)
    levels[64] = _extra_level(net, levels[32], 256, 512)
    levels[128] = _extra_level(net, levels[64], 128, 256)
    return _outputs(net, levels, output_channels)


def ssd_tiny(net: Darknet, images, output_channels: dict) -> dict:
    """SSD on the backbone of yolov3-tiny: 7 convolutions, 2 of a further level, 3 outputs.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3], sides in multiples of 32.
      output_channels: {stride: channels} for strides 16, 32 and 64.

    Returns:
      {stride: [B, ceil(H / stride), ceil(W / stride), channels]}, float32.
    """
    levels = backbones.tiny(net, images)
    levels[64] = _extra_level(net, levels[32], 256, 512)
    return _outputs(net, levels, output_channels)


def _extra_level(net: Darknet, x, narrow: int, wide: int, stride: int = 2, **settings):
    """A 1x1 convolution to `narrow` channels and a 3x3 one to `wide`.

    With stride 2 a side of n becomes ceil(n / 2), with stride 1 n - 2.
    """
    x = net.conv(x, narrow, 1, part="neck", **settings)
    padding = 1 if stride == 2 else 0
    return net.conv(x, wide, 3, stride=stride, padding=padding, part="neck", **settings)


def _outputs(net: Darknet, levels: dict, output_channels: dict) -> dict:
    """{stride: raw output}, finest level first."""
    return {s: net.output(x, output_channels[s], size=3) for s, x in sorted(levels.items())}


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
    return net.attend({8: stages[3], 16: net.conv(x, 1024, 1, activation="relu")})


@register
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

    def get_config(self) -> dict:
        return super().get_config() | {"initial_scale": self.initial_scale}
