"""Darknet's activations and layers without weights (algorithms.md 6.2).

All are registered with Keras, so that saved networks load again (docs/keras.md).
"""

import functools

import tensorflow as tf
import tf_keras
from tf_keras import layers

register = tf_keras.utils.register_keras_serializable("yolo_tf")


class _Settled(layers.Layer):
    """A layer whose arguments `SETTINGS` are attributes of these names; saved with them."""

    SETTINGS: tuple[str, ...] = ()

    def get_config(self) -> dict:
        return super().get_config() | {name: getattr(self, name) for name in self.SETTINGS}


def max_pool(x, size: int = 2, stride: int = 2, padding: int | None = None):
    """Darknet's maxpool; cells outside of the input never win.

    Args:
      x: [B, H, W, C].
      size: side of the window.
      stride: step between windows.
      padding: rows and columns added in all, the smaller half at the top and left; None: size - 1.

    Returns:
      [B, (H + padding - size) // stride + 1, the same of W, C].
    """
    padding = size - 1 if padding is None else padding
    if padding == size - 1 and (stride == 1 or size == stride == 2):
        return layers.MaxPooling2D(size, stride, "same")(x)
    if padding:
        x = PadForMax((padding // 2, padding - padding // 2))(x)
    return layers.MaxPooling2D(size, stride, "valid")(x)


@register
class PadForMax(_Settled):
    """Pads height and width with the least number; not -inf, which gradients make NaN of."""

    SETTINGS = ("sides",)

    def __init__(self, sides: tuple[int, int], **kwargs):
        super().__init__(**kwargs)
        self.sides = tuple(sides)

    def call(self, inputs):
        pads = [(0, 0), self.sides, self.sides, (0, 0)]
        return tf.pad(inputs, pads, constant_values=inputs.dtype.min)


@register
class Upsample(_Settled):
    """Nearest neighbour: [B, H, W, C] to [B, sH, sW, C]."""

    SETTINGS = ("stride",)

    def __init__(self, stride: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, inputs):
        # Copies laid out as blocks of s x s. XLA has no gradient for TensorFlow's resizing.
        return tf.nn.depth_to_space(tf.concat([inputs] * self.stride**2, axis=-1), self.stride)


def upsample(x, stride: int = 2):
    """Darknet's upsample: each cell becomes a block of stride x stride."""
    return Upsample(stride)(x) if stride > 1 else x


def concat(tensors):
    """Darknet's route: joins [B, H, W, C_i] along the channels, in the order given."""
    return layers.Concatenate()(tensors)


@register
class ChannelGroup(_Settled):
    """Part `index` of `groups` equal parts of the channels: [B, H, W, C] to [B, H, W, C/groups]."""

    SETTINGS = ("groups", "index")

    def __init__(self, groups: int, index: int, **kwargs):
        super().__init__(**kwargs)
        self.groups, self.index = groups, index

    def call(self, inputs):
        share = inputs.shape[-1] // self.groups
        return inputs[..., self.index * share : (self.index + 1) * share]


def channel_group(x, groups: int, index: int):
    """What a route with `groups` takes of an input."""
    return ChannelGroup(groups, index)(x)


@register
class FitChannels(_Settled):
    """The first `channels` channels; zeros where the input has fewer."""

    SETTINGS = ("channels",)

    def __init__(self, channels: int, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels

    def call(self, inputs):
        missing = max(self.channels - inputs.shape[-1], 0)
        return tf.pad(inputs[..., : self.channels], [(0, 0), (0, 0), (0, 0), (0, missing)])


def shortcut(x, others):
    """Darknet's shortcut: x plus other tensors, over the channels that they have in common.

    Args:
      x: [B, H, W, C], the layer before.
      others: one or more [B, H, W, C_i].

    Returns:
      [B, H, W, C].
    """
    channels = x.shape[-1]
    fitting = [y if y.shape[-1] == channels else FitChannels(channels)(y) for y in others]
    return layers.Add()([x, *fitting])


def average_pool(x):
    """Darknet's avgpool: the mean of each channel, [B, H, W, C] to [B, 1, 1, C]."""
    return layers.GlobalAveragePooling2D(keepdims=True)(x)


def multiply(factors, x):
    """Darknet's scale_channels and sam: x times factors of its cells, channels or numbers.

    Sources: squeeze and excitation, J. Hu et al. 2017, arXiv:1709.01507; the spatial attention of
    YOLOv4, A. Bochkovskiy et al. 2020, arXiv:2004.10934.

    Args:
      factors: [B, 1, 1, C], [B, H, W, 1] or [B, H, W, C].
      x: [B, H, W, C].

    Returns:
      [B, H, W, C].
    """
    return layers.Multiply()([factors, x])


@register
class Reorg(_Settled):
    """YOLOv2's passthrough as Darknet computes it: [B, H, W, C] to [B, H/s, W/s, C s^2].

    It is not space to depth: Darknet's loop reads the flat buffer as one with C / s^2 channels of
    sH x sW, moves blocks of s x s into channels, and reads the result as C s^2 channels.
    """

    SETTINGS = ("stride",)

    def __init__(self, stride: int, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, inputs):
        rows, cols, channels = inputs.shape[1:]
        s = self.stride
        flat = tf.transpose(inputs, [0, 3, 1, 2])
        blocks = tf.reshape(flat, [-1, channels // s**2, rows, s, cols, s])
        moved = tf.transpose(blocks, [0, 3, 5, 1, 2, 4])
        planes = tf.reshape(moved, [-1, channels * s**2, rows // s, cols // s])
        return tf.transpose(planes, [0, 2, 3, 1])


def reorg(x, stride: int):
    """Darknet's `reorg`; the sides and, twice over, the channels are multiples of `stride`."""
    return Reorg(stride)(x)


@register
class SpaceToDepth(_Settled):
    """Blocks of s x s become channels: [B, H, W, C] to [B, H/s, W/s, C s^2]."""

    SETTINGS = ("stride",)

    def __init__(self, stride: int, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, inputs):
        return tf.nn.space_to_depth(inputs, self.stride)


def reorg3d(x, stride: int):
    """Darknet's `reorg3d`: blocks of stride x stride become channels, (row, column, channel)."""
    return SpaceToDepth(stride)(x)


def spatial_pyramid(x, x_first: bool = False):
    """SPP: x and its stride-1 max pools of size 13, 9 and 5 side by side, four times the channels.

    The largest pool comes first and x last, as in yolov3-spp.cfg; `x_first` turns that round.

    Source: K. He et al. 2014, arXiv:1406.4729.
    """
    # A 5-pool of a 5-pool is a 9-pool, one more a 13-pool: 75 comparisons in place of 275.
    pool5 = max_pool(x, 5, 1)
    pool9 = max_pool(pool5, 5, 1)
    pool13 = max_pool(pool9, 5, 1)
    parts = [pool13, pool9, pool5, x]
    return concat(parts[::-1] if x_first else parts)


LEAKY_SLOPE = 0.1


@register
def mish(x: tf.Tensor) -> tf.Tensor:
    """x * tanh(ln(1 + e^x)), of D. Misra 2019, arXiv:1908.08681.

    Written without large exponentials and quotients, which 8 bits cannot hold: ln(1 + e^x) is
    max(x, 0) + ln(1 + e^-|x|).
    """
    wide = tf.cast(x, tf.float32)
    softplus = tf.nn.relu(wide) + tf.math.log1p(tf.exp(-tf.abs(wide)))
    return tf.cast(wide * tf.tanh(softplus), x.dtype)


@register
def hard_swish(x: tf.Tensor) -> tf.Tensor:
    """x * relu6(x + 3) / 6: swish without exponentials, of arXiv:1905.02244."""
    return x * (tf.nn.relu6(x + 3) * (1 / 6))


@register
def swish(x: tf.Tensor) -> tf.Tensor:
    """x * sigmoid(x), of arXiv:1702.03118 and arXiv:1710.05941.

    It keeps the sigmoid for the gradient, in place of its input, which nothing else keeps: a fifth
    less time on a CPU than `tf.nn.silu`, which computes it again, in the same memory.
    """
    return _swish(x)


@tf.custom_gradient
def _swish(x):
    s = tf.sigmoid(x)
    y = x * s

    def gradient(dy):
        return dy * (s + y * (1 - s))

    return y, gradient


# name in a cfg -> layer constructor; "linear" needs none.
ACTIVATIONS = {
    "leaky": functools.partial(layers.LeakyReLU, LEAKY_SLOPE),
    "mish": functools.partial(layers.Activation, mish),
    "swish": functools.partial(layers.Activation, swish),
    "relu": layers.ReLU,
    "relu6": functools.partial(layers.ReLU, 6.0),
    "hard_swish": functools.partial(layers.Activation, hard_swish),
    "logistic": functools.partial(layers.Activation, tf.sigmoid),
    "linear": None,
}

# Those that never fall: a maximum may be taken before or after them.
MONOTONIC = frozenset({"leaky", "relu", "relu6", "logistic", "linear"})


def activate(x, activation: str, name: str | None = None):
    """Applies one of `ACTIVATIONS`; the layer is called `NAME_ACTIVATION`."""
    if ACTIVATIONS[activation] is None:
        return x
    return ACTIVATIONS[activation](name=name and f"{name}_{activation}")(x)
