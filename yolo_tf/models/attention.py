"""Attention over channels and places, between backbone and neck: [B, H, W, C] to the same.

Each layer multiplies its input by gates in (0, 1), computed in float32 under every precision.
`Darknet.attend` puts one behind each feature map that a backbone hands on.
"""

import math

import tensorflow as tf
from tf_keras import layers

from yolo_tf.errors import check_choice
from yolo_tf.models.layers import register

_LEAST_HIDDEN = 8  # units of the bottleneck, however few channels there are


def attention(kind: str, **settings) -> layers.Layer:
    """A layer of one of `ATTENTION`.

    Raises:
      UserError: there is no such kind.
    """
    check_choice("config.model.attention", kind, ATTENTION, ", or nothing for none")
    return ATTENTION[kind](**settings)


class _ChannelGate(layers.Layer):
    """A bottleneck of two 1x1 convolutions, C to C / reduction to C, over pooled features."""

    def __init__(self, reduction: int = 16, **kwargs):
        super().__init__(**kwargs)
        self.reduction = reduction

    def build(self, input_shape):
        channels = input_shape[-1]
        hidden = max(channels // self.reduction, _LEAST_HIDDEN)
        self.squeeze = self._weights("squeeze", channels, hidden)
        self.excite = self._weights("excite", hidden, channels)
        super().build(input_shape)

    def get_config(self) -> dict:
        return super().get_config() | {"reduction": self.reduction}

    def _weights(self, name: str, inputs: int, outputs: int) -> tuple:
        kernel = self.add_weight(f"{name}_kernel", (1, 1, inputs, outputs), tf.float32)
        return kernel, self.add_weight(f"{name}_bias", (outputs,), tf.float32, "zeros")

    def _logits(self, pooled):
        """[B, 1, 1, C] float32 to the same."""
        return _convolve(tf.nn.relu(_convolve(pooled, self.squeeze)), self.excite)


@register
class SqueezeExcitation(_ChannelGate):
    """A gate a channel, from the means over all places.

    Source: J. Hu et al., "Squeeze-and-Excitation Networks", 2018, arXiv:1709.01507.

    Args:
      reduction: channels over units of the bottleneck, which has 8 at least.
    """

    def call(self, inputs):
        mean = tf.reduce_mean(tf.cast(inputs, tf.float32), [1, 2], keepdims=True)
        return _gated(inputs, self._logits(mean))


@register
class EffectiveSqueezeExcitation(layers.Layer):
    """A gate a channel, from the means over all places, by one 1x1 convolution and a hard sigmoid.

    Source: Y. Lee and J. Park, "CenterMask", 2020, arXiv:1911.06667; as in PP-YOLOE,
    arXiv:2203.16250.
    """

    def build(self, input_shape):
        channels = input_shape[-1]
        self.kernel = self.add_weight("kernel", (1, 1, channels, channels), tf.float32)
        self.bias = self.add_weight("bias", (channels,), tf.float32, "zeros")
        super().build(input_shape)

    def call(self, inputs):
        mean = tf.reduce_mean(tf.cast(inputs, tf.float32), [1, 2], keepdims=True)
        gate = tf.nn.relu6(_convolve(mean, (self.kernel, self.bias)) + 3) / 6
        return inputs * tf.cast(gate, inputs.dtype)


@register
class Cbam(_ChannelGate):
    """A gate a channel, from means and maxima over all places; then a gate a place, from means and
    maxima over the channels.

    Source: S. Woo et al., "CBAM: Convolutional Block Attention Module", 2018, arXiv:1807.06521.

    Args:
      reduction: channels over units of the bottleneck, which has 8 at least.
      size: side of the kernel of the second gate, cells.
    """

    def __init__(self, reduction: int = 16, size: int = 7, **kwargs):
        super().__init__(reduction, **kwargs)
        self.size = size

    def build(self, input_shape):
        super().build(input_shape)
        self.place = self.add_weight("place_kernel", (self.size, self.size, 2, 1), tf.float32)

    def call(self, inputs):
        wide = tf.cast(inputs, tf.float32)
        pooled = [pool(wide, [1, 2], keepdims=True) for pool in (tf.reduce_mean, tf.reduce_max)]
        x = _gated(inputs, tf.add_n([self._logits(values) for values in pooled]))
        wide = tf.cast(x, tf.float32)
        pooled = [pool(wide, -1, keepdims=True) for pool in (tf.reduce_mean, tf.reduce_max)]
        return _gated(x, _convolve(tf.concat(pooled, -1), (self.place,)))

    def get_config(self) -> dict:
        return super().get_config() | {"size": self.size}


@register
class EfficientChannelAttention(layers.Layer):
    """A gate a channel, from the means of some channels beside it: a handful of weights.

    Source: Q. Wang et al., "ECA-Net: Efficient Channel Attention for Deep Convolutional Neural
    Networks", 2020, arXiv:1910.03151; the number of channels is its equation 12 with gamma 2, b 1.
    """

    def build(self, input_shape):
        size = int(abs(math.log2(input_shape[-1]) / 2 + 0.5))
        size += 1 - size % 2  # odd
        self.kernel = self.add_weight("kernel", (1, size, 1, 1), tf.float32)
        super().build(input_shape)

    def call(self, inputs):
        channels = inputs.shape[-1]
        mean = tf.reduce_mean(tf.cast(inputs, tf.float32), [1, 2])
        row = tf.reshape(mean, [-1, 1, channels, 1])
        logits = _convolve(row, (self.kernel,))
        return _gated(inputs, tf.reshape(logits, [-1, 1, 1, channels]))


ATTENTION = {
    "se": SqueezeExcitation,
    "ese": EffectiveSqueezeExcitation,
    "cbam": Cbam,
    "eca": EfficientChannelAttention,
}


def _convolve(x, weights):
    """Convolution with a kernel and, if there is one, a bias; float32."""
    kernel, *biases = (tf.cast(variable, tf.float32) for variable in weights)
    x = tf.nn.conv2d(x, kernel, 1, "SAME")
    return tf.nn.bias_add(x, *biases) if biases else x


def _gated(inputs, logits):
    return inputs * tf.cast(tf.sigmoid(logits), inputs.dtype)
