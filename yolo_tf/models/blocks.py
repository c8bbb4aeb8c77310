"""Darknet's convolution (algorithms.md 6.2), and how convolutions are named and found."""

import re
from dataclasses import dataclass

import numpy as np
import tf_keras
from tf_keras import layers

from yolo_tf.models.attention import attention
from yolo_tf.models.batch_norm import SynchronizedBatchNorm
from yolo_tf.models.layers import MONOTONIC, activate, max_pool, shortcut

# Small, so that an untrained network predicts what its output bias says, everywhere.
OUTPUT_STDDEV = 0.01
# Deviation of a normal distribution cut off at two of its deviations, which he_normal is too.
_TRUNCATED_DEVIATION = 0.87962566
PARTS = ("backbone", "neck", "output")
PARALLEL = "_parallel"  # end of the name of a 1x1 convolution beside another

_CONV_NAME = re.compile(rf"(?:{'|'.join(PARTS)})_conv_(\d+)")


@dataclass
class Darknet:
    """Builds convolutions, numbering them in the order of the calls.

    Call in the order of the cfg: a layer's running number is then its place among the
    convolutions of the cfg, which is the order of a `.weights` file. Names are
    `PART_conv_NNN` and `PART_conv_NNN_bn`; PART is one of `PARTS`, for freezing.
    """

    bn_momentum: float  # share of the old moving statistics kept each step
    bn_epsilon: float  # added to the variance, inside the root
    bn_synchronized: bool = False  # statistics over the images of all replicas
    bn_folded: bool = False  # its share is in kernel and bias (`export.fold`): no layer of its own
    activation: str = "leaky"  # of `conv` where the call names none
    count: int = 0  # convolutions built so far
    attention: str = ""  # of `attend`, a key of `attention.ATTENTION`; empty: none

    def conv(
        self,
        x,
        filters: int,
        size: int,
        stride: int | tuple[int, int] = 1,
        part: str = "backbone",
        activation: str | None = None,
        batch_norm: bool = True,
        padding: int | None = None,
        groups: int = 1,
        dilation: int = 1,
        pool: bool = False,
        parallel: bool = False,
    ):
        """Convolution, batch normalisation or bias, activation, max pool.

        Args:
          x: [B, H, W, C].
          filters: output channels.
          size: kernel side.
          stride: step, or steps (down, right).
          part: first word of the layer's name, one of `PARTS`.
          activation: a key of `activations.ACTIVATIONS`; None: the builder's own.
          batch_norm: normalisation in place of a bias.
          padding: zeros added on each side; None: size // 2.
          groups: number of separate groups of channels; divides C and filters.
          dilation: step between the cells under a kernel; above 1 only with stride 1 and an odd
            size padded by size // 2.
          pool: ends with a max pool of size and stride 2. It stands before an activation that
            never falls: the same numbers, and a quarter of them to activate.
          parallel: adds a normalised 1x1 convolution of the same input before the activation. At
            inference the two are one (RepVGG, arXiv:2101.03697): `export.fold` joins them. Only
            of a convolution of stride 1 with `batch_norm` that keeps height and width.

        Returns:
          [B, (H + 2 padding - size) // stride + 1, the same of W, filters]; with `pool` half of
          the rows and columns, rounded up.
        """
        name, source = self._next_name(part), x
        batch_norm = batch_norm and not self.bn_folded
        padding = size // 2 if padding is None else padding
        unit_stride = stride in (1, (1, 1))
        same = unit_stride and 2 * padding == size - 1
        if not same and padding:
            # Darknet pads both sides alike; SAME would pad only bottom and right with stride 2.
            x = layers.ZeroPadding2D(padding, name=f"{name}_pad")(x)
        x = _convolution(
            x.shape[-1],
            filters,
            groups,
            kernel_size=size,
            strides=stride,
            padding="same" if same else "valid",
            dilation_rate=dilation,
            use_bias=not batch_norm,
            name=name,
        )(x)
        if batch_norm:
            x = self._normalise(x, name)
        if parallel and not self.bn_folded:
            other = _convolution(
                source.shape[-1],
                filters,
                groups,
                kernel_size=1,
                strides=1,
                use_bias=False,
                name=f"{name}{PARALLEL}",
            )(source)
            x = shortcut(self._normalise(other, f"{name}{PARALLEL}"), [x])
        activation = activation or self.activation
        if pool and activation in MONOTONIC:
            return activate(max_pool(x), activation, name)
        x = activate(x, activation, name)
        return max_pool(x) if pool else x

    def output(self, x, channels: int, size: int = 1):
        """Raw output of a level: convolution with bias, linear, float32 under any policy."""
        return layers.Conv2D(
            channels,
            size,
            padding="same",
            # The more cells a kernel sees, the smaller each weight: the sum is what stays small.
            kernel_initializer=tf_keras.initializers.RandomNormal(stddev=OUTPUT_STDDEV / size),
            dtype="float32",
            name=self._next_name("output"),
        )(x)

    def residual(self, x, filters: int):
        """x plus a 1x1 convolution to half of `filters` and a 3x3 one back, as in Darknet-53."""
        y = self.conv(x, filters // 2, 1)
        y = self.conv(y, filters, 3)
        return shortcut(y, [x])

    def attend(self, features: dict) -> dict:
        """{stride: [B, H, W, C]} that a backbone hands on, through attention if there is any.

        Its layers belong to the neck: they start anew where a backbone is loaded and frozen.
        """
        if not self.attention:
            return features
        return {
            stride: attention(self.attention, name=f"neck_attention_{stride}")(x)
            for stride, x in features.items()
        }

    def _normalise(self, x, name: str):
        layer = SynchronizedBatchNorm if self.bn_synchronized else layers.BatchNormalization
        return layer(momentum=self.bn_momentum, epsilon=self.bn_epsilon, name=f"{name}_bn")(x)

    def _next_name(self, part: str) -> str:
        name = f"{part}_conv_{self.count:03d}"
        self.count += 1
        return name


def _convolution(channels: int, filters: int, groups: int, **settings) -> layers.Layer:
    """The layer of a convolution with `groups`; depthwise where each channel is its own group."""
    rows, cols = np.broadcast_to(settings["strides"], 2)
    if groups == channels > 1 and rows == cols:
        # TensorFlow's kernel for this case is many times faster than that for groups. Keras would
        # take all channels for the fan-in of he_normal; each filter sees but one.
        deviation = np.sqrt(2) / settings["kernel_size"] / _TRUNCATED_DEVIATION
        return layers.DepthwiseConv2D(
            depth_multiplier=filters // channels,
            depthwise_initializer=tf_keras.initializers.TruncatedNormal(stddev=deviation),
            **settings,
        )
    return layers.Conv2D(filters, groups=groups, kernel_initializer="he_normal", **settings)


def conv_layers(network: tf_keras.Model) -> list[tuple]:
    """The convolutions of a network in the order of its cfg.

    Returns:
      (Conv2D or DepthwiseConv2D, its BatchNormalization or None) of each.
    """
    layers_by_name = {layer.name: layer for layer in network.layers}
    matches = filter(None, map(_CONV_NAME.fullmatch, layers_by_name))
    names = [match[0] for match in sorted(matches, key=lambda match: int(match[1]))]
    return [(layers_by_name[name], layers_by_name.get(f"{name}_bn")) for name in names]


def parallel_layers(network: tf_keras.Model, conv: layers.Layer) -> tuple | None:
    """The 1x1 convolution beside a convolution, and its normalisation; None: there is none."""
    layers_by_name = {layer.name: layer for layer in network.layers}
    name = f"{conv.name}{PARALLEL}"
    return (layers_by_name[name], layers_by_name[f"{name}_bn"]) if name in layers_by_name else None


def output_layers(network: tf_keras.Model, stride: int) -> list[layers.Layer]:
    """The last convolution of a level, or those whose outputs it joins, in their order.

    Args:
      network: a model whose outputs are named by stride and end in convolutions with bias, or in
        a concatenation of such.
      stride: the level, pixels.

    Raises:
      KeyError: the network has no such level.
    """
    node = network.output[stride].node
    joined = isinstance(node.layer, layers.Concatenate)
    return [tensor.node.layer for tensor in node.keras_inputs] if joined else [node.layer]


def set_output_bias(network: tf_keras.Model, stride: int, bias) -> None:
    """Sets the bias of the last convolution of a level, or of those whose outputs it joins.

    Args:
      network, stride: as of `output_layers`.
      bias: [channels] float, or one number for all channels.

    Raises:
      KeyError: the network has no such level.
      ValueError: the bias has not as many numbers as the level has channels.
    """
    variables = [layer.bias for layer in output_layers(network, stride)]
    sizes = [variable.shape[0] for variable in variables]
    bias = np.broadcast_to(np.asarray(bias, np.float32), [sum(sizes)])
    for variable, part in zip(variables, np.split(bias, np.cumsum(sizes)[:-1]), strict=True):
        variable.assign(part)
