"""A cfg to a network: the same kind of model as those of `models.zoo`."""

import collections
import contextlib
import re
import sys

import tf_keras
from tf_keras import layers as keras_layers

from yolo_tf.darknet.cfg import Cfg
from yolo_tf.darknet.layer import IMAGE, Layer
from yolo_tf.darknet.plan import outputs, parts, plan
from yolo_tf.models import layers as darknet_layers
from yolo_tf.models.blocks import Darknet, set_output_bias
from yolo_tf.models.layers import activate
from yolo_tf.models.network import Network

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]|^[^A-Za-z0-9.]")
# Of tf_keras for a layer of a cfg: padding, convolution, normalisation, activation.
_FRAMES_PER_LAYER = 5


def build(
    cfg: Cfg,
    input_size: tuple[int | None, int | None],
    output_channels: dict[int, int],
    bn_momentum: float = 0.97,
    bn_epsilon: float = 1e-5,
    bn_synchronized: bool = False,
    bn_folded: bool = False,
    output_bias: dict | None = None,
    backbone_layers: int = 0,
    name: str = "darknet",
) -> tf_keras.Model:
    """Builds the network of a cfg with random weights.

    A [yolo], [Gaussian_yolo] or [region] section has no layer: its level's output is that of the
    convolution before it, linear also where Darknet has `activation=logistic` there
    (`new_coords=1`).

    Args:
      cfg: the sections.
      input_size: (height, width) pixels in place of those in [net]; None, None: any.
      output_channels: {stride: channels} of the raw outputs, for each level of the cfg, whose own
        numbers (its class count) they replace.
      bn_momentum: share of the old moving statistics kept each step, 0 to 1.
      bn_epsilon: added to the variance in batch normalisation; Darknet's is 1e-5.
      bn_synchronized: its statistics are over the images of all replicas of a strategy.
      bn_folded: the convolutions have biases in place of batch normalisation.
      output_bias: {stride: [channels] float} first bias of the outputs; None: 0.
      backbone_layers: how many layers of the cfg are named backbone; 0: `plan.backbone_end`
        guesses.
      name: of the model; what Keras does not allow in names becomes "_".

    Returns:
      A functional model, float images [B, H, W, 3] in [0, 1] to
      {stride: float32 [B, H / stride, W / stride, channels]}.

    Raises:
      UserError: as `plan.plan`.
      ValueError: `output_channels` names other strides than the cfg has.
    """
    layers = plan(cfg, None if None in input_size else input_size)
    levels = {output.conv: output.stride for output in outputs(layers)}
    if set(output_channels) != set(levels.values()):
        found, needed = sorted(output_channels), sorted(levels.values())
        raise ValueError(f"{cfg.name} has strides {needed}, output_channels {found}")
    net = Darknet(bn_momentum, bn_epsilon, bn_synchronized, bn_folded)
    part_of = parts(layers, backbone_layers)
    pools = _pools(layers)
    images = tf_keras.Input((*input_size, 3), name="images")
    tensors = {IMAGE: images}
    results = {}
    for layer in layers:
        if layer.output:
            continue
        inputs = [tensors[index] for index in layer.inputs]
        if layer.conv in levels:
            stride = levels[layer.conv]
            results[stride] = net.output(inputs[0], output_channels[stride])
        elif layer.conv >= 0:
            part, pool = part_of[layer.conv], layer.index in pools.values()
            tensors[layer.index] = _convolution(net, inputs[0], layer, part, pool)
        elif layer.index in pools:
            tensors[layer.index] = inputs[0]
        else:
            tensors[layer.index] = _LAYERS[layer.kind](inputs, layer)
    with _deep_recursion(_FRAMES_PER_LAYER * len(layers)):
        network = Network(images, results, name=_NOT_IN_NAMES.sub("_", name))
    for stride, bias in (output_bias or {}).items():
        set_output_bias(network, stride, bias)
    return network


def _pools(layers: list[Layer]) -> dict[int, int]:
    """Index of a maxpool that halves both sides -> that of the convolution which it alone reads."""
    readers = collections.Counter(index for layer in layers for index in layer.inputs)
    return {
        layer.index: source
        for layer in layers
        for source in layer.inputs
        if (layer.kind, layer.size, layer.stride, layer.padding) == ("maxpool", 2, (2, 2), 1)
        and readers[source] == 1
        and source != IMAGE
        and layers[source].conv >= 0
    }


def _convolution(net: Darknet, x, layer: Layer, part: str, pool: bool):
    return net.conv(
        x,
        layer.shape[2],
        layer.size,
        stride=layer.stride,
        part=part,
        activation=layer.activation,
        batch_norm=layer.batch_norm,
        padding=layer.padding,
        groups=layer.groups,
        dilation=layer.dilation,
        pool=pool,
    )


def _route(inputs: list, layer: Layer):
    if layer.groups > 1:
        inputs = [darknet_layers.channel_group(x, layer.groups, layer.group_id) for x in inputs]
    return darknet_layers.concat(inputs) if len(inputs) > 1 else inputs[0]


def _shortcut(inputs: list, layer: Layer):
    return activate(darknet_layers.shortcut(inputs[0], inputs[1:]), layer.activation)


def _multiply(inputs: list, layer: Layer):
    return activate(darknet_layers.multiply(*inputs), layer.activation)


# kind of section without weights -> (inputs, Layer) -> tensor
_LAYERS = {
    "maxpool": lambda inputs, layer: darknet_layers.max_pool(
        inputs[0], layer.size, layer.stride[0], layer.padding
    ),
    "avgpool": lambda inputs, layer: darknet_layers.average_pool(inputs[0]),
    "route": _route,
    "shortcut": _shortcut,
    "scale_channels": _multiply,
    "sam": _multiply,
    "upsample": lambda inputs, layer: darknet_layers.upsample(inputs[0], layer.stride[0]),
    "dropout": lambda inputs, layer: keras_layers.Dropout(layer.rate)(inputs[0]),
    "reorg": lambda inputs, layer: darknet_layers.reorg(inputs[0], layer.stride[0]),
    "reorg3d": lambda inputs, layer: darknet_layers.reorg3d(inputs[0], layer.stride[0]),
}


@contextlib.contextmanager
def _deep_recursion(frames: int):
    """Raises the recursion limit by this many frames: tf_keras walks the network recursively."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
