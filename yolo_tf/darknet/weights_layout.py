"""Which arrays a .weights file has for a network, in which order and shape (algorithms.md 6.3)."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tf_keras

from yolo_tf.errors import UserError
from yolo_tf.models.blocks import conv_layers

# Values of an output, for each anchor, beside the classes: box and objectness.
BOX_CHANNELS = 5
# More than any data set has; a longer file is no other class count but a wrong file.
_MAX_CLASSES = 100_000
_KERNEL_AXES = (2, 3, 1, 0)
_DEPTHWISE_AXES = (2, 3, 0, 1)


@dataclass(frozen=True, eq=False)
class Array:
    """One array of a file and the variable of the network that takes it."""

    layer: str  # name of its convolution in the network
    name: str  # beta, gamma, moving_mean, moving_variance, bias or kernel
    variable: tf.Variable
    shape: tuple[int, ...]  # in the file
    axes: tuple[int, ...] = (0,)  # of the file, in TensorFlow's order

    @property
    def number(self) -> int:
        """Place among the convolutions of the cfg."""
        return int(self.layer.rsplit("_", 1)[1])

    @property
    def key(self) -> str:
        return f"conv_{self.number:03d}/{self.name}"

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def __str__(self) -> str:
        return f"{self.name} of convolution {self.number} ({self.layer})"


def layout_of(
    network: tf_keras.Model,
    skip: frozenset[int] = frozenset(),
    skip_scales: frozenset[int] = frozenset(),
) -> list[Array]:
    """The arrays of a file for a network, in order."""
    arrays = []
    for conv, norm in conv_layers(network):
        vectors, kernel = _vectors(conv, norm), _kernel(conv)
        if kernel.number in skip_scales:
            vectors = vectors[:1]
        if kernel.number not in skip:
            arrays += [*vectors, kernel]
    return arrays


def _vectors(conv, norm) -> list[Array]:
    if norm is None:
        vectors = {"bias": conv.bias}
    else:
        vectors = {
            "beta": norm.beta,
            "gamma": norm.gamma,
            "moving_mean": norm.moving_mean,
            "moving_variance": norm.moving_variance,
        }
    return [Array(conv.name, name, v, tuple(v.shape)) for name, v in vectors.items()]


def _kernel(conv) -> Array:
    depthwise = isinstance(conv, tf_keras.layers.DepthwiseConv2D)
    axes = _DEPTHWISE_AXES if depthwise else _KERNEL_AXES
    kernel = conv.weights[0]  # Keras has two names for it
    shape = tuple(kernel.shape[axis] for axis in np.argsort(axes))
    return Array(conv.name, "kernel", kernel, shape, axes)


def _outputs(layout: list[Array], num_classes: int, box_channels: int) -> list[Array]:
    """The arrays whose first axis depends on the class count."""
    outputs = [a for a in layout if a.layer.startswith("output_") and a.axes != _DEPTHWISE_AXES]
    for array in outputs:
        if array.shape[0] % (box_channels + num_classes):
            raise UserError(
                f"{array.layer} has {array.shape[0]} filters, which are not ({box_channels} +"
                f" {num_classes} classes) for each anchor: Darknet has no such output; only a"
                " file of the first layers, NAME.conv.N, can be read into such a network"
            )
    return outputs


def file_classes(
    layout: list[Array], num_classes: int, floats: float, box_channels: int = BOX_CHANNELS
) -> int | None:
    """Solves fixed + (box_channels + classes) * floats of one channel of each anchor = floats."""
    outputs = _outputs(layout, num_classes, box_channels)
    variable = sum(array.size for array in outputs)
    if not variable:
        return None
    fixed = sum(array.size for array in layout) - variable
    channels, rest = divmod(floats - fixed, variable // (box_channels + num_classes))
    classes = int(channels) - box_channels
    return None if rest or not 1 <= classes <= _MAX_CLASSES else classes


def of_classes(
    layout: list[Array], num_classes: int, classes: int, box_channels: int = BOX_CHANNELS
) -> list[Array]:
    """The layout of a file of the same network for another class count."""
    shapes = {array.key: array.shape for array in layout}
    for array in _outputs(layout, num_classes, box_channels):
        anchors = array.shape[0] // (box_channels + num_classes)
        shapes[array.key] = (anchors * (box_channels + classes), *array.shape[1:])
    return [dataclasses.replace(array, shape=shapes[array.key]) for array in layout]


def conv_ends(layout: list[Array]) -> dict[int, int]:
    """{floats up to the end of a convolution: arrays up to there}, in order."""
    ends, floats = {}, 0
    for count, array in enumerate(layout, 1):
        floats += array.size
        if array.name == "kernel":
            ends[floats] = count
    return ends


def array_at(layout: list[Array], floats: float) -> Array:
    """The array that ends early, after this many floats."""
    for array in layout:
        if floats < array.size:
            return array
        floats -= array.size
    raise ValueError("the floats are enough for all arrays")
