"""Darknet's layers (SPEC 6.2) as functions from tensor to tensor, and how they are named."""

import re
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tf_keras
from tf_keras import layers

LEAKY_SLOPE = 0.1
# Small, so that an untrained network predicts what its output bias says, everywhere.
OUTPUT_STDDEV = 0.01

_CONV_NAME = re.compile(r"(?:backbone|neck|output)_conv_(\d{3})")


@dataclass
class Darknet:
    """Builds convolutions, numbering them in the order of the calls.

    Call in the order of the cfg: a layer's running number is then its place among the
    convolutions of the cfg, which is the order of a `.weights` file. Names are
    `PART_conv_NNN` and `PART_conv_NNN_bn`; PART is backbone, neck or output, for freezing.
    """

    bn_momentum: float  # share of the old moving statistics kept each step
    bn_epsilon: float  # added to the variance, inside the root
    count: int = 0  # convolutions built so far

    def conv(self, x, filters: int, size: int, stride: int = 1, part: str = "backbone"):
        """Convolution, batch normalisation, leaky ReLU.

        Args:
          x: [B, H, W, C].
          filters: output channels.
          size: kernel side, odd.
          stride: 1 or 2.
          part: first word of the layer's name, "backbone" or "neck".

        Returns:
          [B, ceil(H / stride), ceil(W / stride), filters].
        """
        name = self._next_name(part)
        padding = "same"
        if stride > 1:
            # Darknet pads both sides alike; SAME would pad only bottom and right here.
            x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
            padding = "valid"
        x = layers.Conv2D(
            filters,
            size,
            stride,
            padding,
            use_bias=False,
            kernel_initializer="he_normal",
            name=name,
        )(x)
        x = layers.BatchNormalization(
            momentum=self.bn_momentum, epsilon=self.bn_epsilon, name=f"{name}_bn"
        )(x)
        return layers.LeakyReLU(LEAKY_SLOPE, name=f"{name}_leaky")(x)

    def output(self, x, channels: int):
        """Raw output of a level: 1x1 convolution with bias, linear, float32 under any policy."""
        return layers.Conv2D(
            channels,
            1,
            kernel_initializer=tf_keras.initializers.RandomNormal(stddev=OUTPUT_STDDEV),
            dtype="float32",
            name=self._next_name("output"),
        )(x)

    def residual(self, x, filters: int):
        """x plus a 1x1 convolution to half of `filters` and a 3x3 one back, as in Darknet-53."""
        y = self.conv(x, filters // 2, 1)
        y = self.conv(y, filters, 3)
        return layers.Add()([x, y])

    def _next_name(self, part: str) -> str:
        name = f"{part}_conv_{self.count:03d}"
        self.count += 1
        return name


def max_pool(x, size: int = 2, stride: int = 2):
    """Darknet's maxpool. SAME is its padding, also for size 2 stride 1 (right and bottom only)."""
    return layers.MaxPooling2D(size, stride, "same")(x)


class Upsample(layers.Layer):
    """Nearest neighbour: [B, H, W, C] to [B, 2H, 2W, C]."""

    def call(self, inputs):
        # Four copies laid out as 2x2 blocks. XLA has no gradient for TensorFlow's resizing.
        return tf.nn.depth_to_space(tf.concat([inputs] * 4, axis=-1), 2)


def upsample(x):
    """Darknet's upsample of stride 2."""
    return Upsample()(x)


def concat(tensors):
    """Darknet's route: joins [B, H, W, C_i] along the channels, in the order given."""
    return layers.Concatenate()(tensors)


def spatial_pyramid(x):
    """SPP: x and its stride-1 max pools of size 13, 9 and 5 side by side, four times the channels.

    Source: K. He et al. 2014, arXiv:1406.4729, as yolov3-spp.cfg uses it.
    """
    # A 5-pool of a 5-pool is a 9-pool, one more a 13-pool: 75 comparisons in place of 275.
    pool5 = max_pool(x, 5, 1)
    pool9 = max_pool(pool5, 5, 1)
    pool13 = max_pool(pool9, 5, 1)
    return concat([pool13, pool9, pool5, x])


def conv_layers(network: tf_keras.Model) -> list[tuple]:
    """The pairs (Conv2D, its BatchNormalization or None) of a network, in the order of its cfg."""
    layers_by_name = {layer.name: layer for layer in network.layers}
    matches = filter(None, map(_CONV_NAME.fullmatch, layers_by_name))
    names = [match[0] for match in sorted(matches, key=lambda match: match[1])]
    return [(layers_by_name[name], layers_by_name.get(f"{name}_bn")) for name in names]


def set_output_bias(network: tf_keras.Model, stride: int, bias) -> None:
    """Sets the bias of the last convolution of a level.

    Args:
      network: a model whose outputs are named by stride and end in convolutions with bias.
      stride: the level, pixels.
      bias: [channels] float, or one number for all channels.

    Raises:
      KeyError: the network has no such level.
      ValueError: the bias has not as many numbers as the level has channels.
    """
    variable = network.output[stride].node.layer.bias
    variable.assign(np.broadcast_to(np.asarray(bias, np.float32), variable.shape))
