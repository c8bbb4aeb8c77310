"""A network on a backbone of tf_keras.applications, with a light neck at strides 8, 16 and 32.

The backbone is one layer of the network, "backbone_NAME", whatever is inside of it.
"""

import sys
from pathlib import Path

import tensorflow as tf
import tf_keras
from tf_keras import layers

from yolo_tf.errors import UserError, closest
from yolo_tf.models.blocks import Darknet
from yolo_tf.models.layers import concat, upsample

STRIDES = (8, 16, 32)
_KIND = "applications"
_PROBE = (256, 256)  # input size at which strides are seen where the network takes any
_ACTIVATION = "swish"


def network(
    net: Darknet, images, output_channels: dict, backbone: str = "", neck_width: int = 96
) -> dict:
    """Backbone, a path aggregation neck of depthwise separable convolutions, a branch a part.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3] RGB in [0, 1]; the network brings them to what the backbone expects.
      output_channels: {stride: channels of each part of the level}, as `Head.output_parts` gives
        them. Classes have a branch of their own where they are a part of their own.
      backbone: "applications:NAME", a function of tf_keras.applications.
      neck_width: channels of neck and branches.

    Returns:
      {stride: [B, rows, cols, channels]}, float32; the parts of a level in their order.

    Raises:
      UserError: no such backbone, it has no features at one of the strides, or its batch
        normalisation shall be synchronised.
    """
    if net.bn_synchronized:
        raise UserError(
            "config.train.strategy.sync_batch_norm: found True, expected False with"
            " config.model.backbone: batch normalisation inside of Keras's backbones sees each"
            " replica alone"
        )
    name = _name(backbone)
    model = _features(name, tuple(images.shape[1:3]))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = net.bn_momentum
    found = model(ApplicationInput(name, name="backbone_input")(images))
    features = net.attend(dict(zip(STRIDES, found, strict=True)))
    levels = _path_aggregation(net, features, neck_width)
    return {s: _output(net, levels[s], output_channels[s], neck_width) for s in STRIDES}


def load_backbone(network: tf_keras.Model, backbone: str, weights: str) -> None:
    """Sets the weights of the backbone of a network.

    Args:
      network: one that `network` made.
      backbone: its "applications:NAME".
      weights: "imagenet", which Keras fetches; "none", which leaves them random; or the path of
        an .h5 file of the application without its top.

    Raises:
      UserError: they cannot be fetched, the file is missing, or it is of another network.
    """
    if weights == "none":
        return
    name, setting = _name(backbone), f"config.model.backbone_weights={weights}"
    if weights != "imagenet" and not (Path(weights).is_file() and Path(weights).suffix == ".h5"):
        raise UserError(
            f"{setting}: found no such .h5 file, expected imagenet, none, or the path of one that"
            f" holds {name} without its top"
        )
    try:
        source = _features(name, (224, 224), weights)
    except UserError:
        raise
    except Exception as error:  # Keras raises no narrower one where a download fails
        reason = str(error).split("\n")[0][:200]
        if weights == "imagenet":
            raise UserError(
                f"{setting}: cannot fetch the weights of {name} ({reason}); start from a file of"
                " them, --config.model.backbone_weights=FILE.h5, or from random ones, =none"
            ) from error
        raise UserError(f"{setting}: not of {name} without its top: {reason}") from error
    network.get_layer(f"backbone_{name}").set_weights(source.get_weights())


@tf_keras.utils.register_keras_serializable("yolo_tf")
class ApplicationInput(layers.Layer):
    """RGB in [0, 1] as an application of Keras expects it, by its own `preprocess_input`.

    Args:
      application: its name, such as "ResNet50".
    """

    def __init__(self, application: str, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.application = application

    def call(self, inputs):
        module = sys.modules[_function(self.application).__module__]
        return module.preprocess_input(tf.cast(inputs, tf.float32) * 255.0)

    def get_config(self) -> dict:
        return super().get_config() | {"application": self.application}


def _name(backbone: str) -> str:
    """NAME of "applications:NAME"."""
    kind, _, name = backbone.partition(":")
    known = [n for n in dir(tf_keras.applications) if n[0].isupper() and callable(_function(n))]
    if kind != _KIND or name not in known:
        near = closest(name or kind, known)
        hint = f"; did you mean {_KIND}:{near}?" if near else ""
        raise UserError(
            f"config.model.backbone: found {backbone!r}, expected {_KIND}:NAME with a network of"
            f" tf_keras.applications, such as MobileNetV3Small, EfficientNetB0 or ResNet50{hint}"
        )
    return name


def _function(name: str):
    return getattr(tf_keras.applications, name)


def _features(name: str, size: tuple, weights: str | None = None) -> tf_keras.Model:
    """Images to the list of features at STRIDES, of an application without its top."""

    def application(size, weights=None):
        return _function(name)(include_top=False, weights=weights, input_shape=(*size, 3))

    model = application(size, weights)
    seen, size = (application(_PROBE), _PROBE) if None in size else (model, size)
    places = _places(seen, size)
    if len(places) < len(STRIDES):
        missing = ", ".join(str(stride) for stride in STRIDES if stride not in places)
        raise UserError(
            f"config.model.backbone: {name} has no features at stride {missing} for an input of"
            f" {size} (height, width); another backbone or size is needed"
        )
    outputs = [model.layers[places[stride]].get_output_at(0) for stride in STRIDES]
    return tf_keras.Model(model.input, outputs, name=f"backbone_{name}")


def _places(model: tf_keras.Model, size: tuple[int, int]) -> dict[int, int]:
    """{stride: number of the last layer of the level's size through which all paths go}.

    So it is the end of a stage, and no branch inside of the block that goes down to the next.
    """
    numbers = {layer.name: number for number, layer in enumerate(model.layers)}
    tensors = [layer.get_output_at(0) for layer in model.layers]
    last_use = [0] * len(tensors)
    for number, tensor in enumerate(tensors):
        for source in tensor.node.keras_inputs:
            last_use[numbers[source.node.layer.name]] = number
    places, needed = {}, 0  # needed: last layer that takes what an earlier one gives
    for number, tensor in enumerate(tensors):
        for stride in STRIDES:
            cells = (size[0] // stride, size[1] // stride)
            if needed <= number and tensor.shape.rank == 4 and tuple(tensor.shape[1:3]) == cells:
                places[stride] = number
        needed = max(needed, last_use[number])
    return places


def _path_aggregation(net: Darknet, features: dict, width: int) -> dict:
    """Coarse to fine, then fine to coarse (arXiv:1803.01534): {stride: [B, rows, cols, width]}."""
    lateral = {s: _conv(net, features[s], width, 1) for s in STRIDES}
    up = {32: lateral[32]}
    for stride in (16, 8):
        x = concat([lateral[stride], upsample(up[2 * stride])])
        up[stride] = _separable(net, x, width)
    levels = {8: up[8]}
    for stride in (16, 32):
        down = _separable(net, levels[stride // 2], width, stride=2)
        levels[stride] = _separable(net, concat([up[stride], down]), width)
    return levels


def _output(net: Darknet, x, parts: tuple[int, ...], width: int):
    """Raw output of a level: the last part from a branch of its own."""
    branches = [parts[:-1], parts[-1:]] if len(parts) > 1 else [parts]
    joined = []
    for channels in branches:
        y = _separable(net, _separable(net, x, width), width)
        joined += [net.output(y, count) for count in channels]
    # Under a mixed policy a layer would join them in half precision.
    return joined[0] if len(joined) == 1 else layers.Concatenate(dtype="float32")(joined)


def _separable(net: Darknet, x, filters: int, stride: int = 1):
    """A 3x3 convolution of each channel, then a 1x1 one."""
    x = _conv(net, x, x.shape[-1], 3, stride=stride, groups=x.shape[-1])
    return _conv(net, x, filters, 1)


def _conv(net: Darknet, x, filters: int, size: int, **settings):
    return net.conv(x, filters, size, part="neck", activation=_ACTIVATION, **settings)
