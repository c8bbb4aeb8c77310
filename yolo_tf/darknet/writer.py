"""The Darknet cfg of a network made in Python (algorithms.md 6.1).

The layers are those of `models.blocks` and `models.layers`. Convolutions stand in the order of
their numbers, which is that of a .weights file; other layers just before the first convolution
that needs them. A cfg is a list in which every layer takes the one before it, so a jump back
becomes a [route] of one layer.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import tf_keras
from tf_keras import layers

from yolo_tf.darknet import rules
from yolo_tf.errors import UserError
from yolo_tf.models.blocks import conv_layers
from yolo_tf.models.layers import ACTIVATIONS, MONOTONIC

Fields = dict[str, object]


def network_cfg(
    network: tf_keras.Model,
    output_fields: dict[int, Fields],
    input_size: tuple[int, int] | None = None,
    net_fields: Fields | None = None,
    output_kind: str = "yolo",
) -> str:
    """Writes a network as a cfg that Darknet and OpenCV read, for `weights.write_weights`.

    Darknet adds 1e-5 to variances, OpenCV 1e-6; a cfg cannot say so.

    Args:
      network: a functional model of layers that `models` has, images to {stride: raw output}.
      output_fields: {stride: {field: value}} of the [yolo] section behind each output: mask,
        anchors, classes, num and what else it needs. `new_coords=1` makes its convolution
        logistic; the network's own output is the one before.
      input_size: (height, width) pixels; None: the network's own.
      net_fields: more fields of [net], such as the batch and the learning rate.
      output_kind: name of the sections behind the outputs: "yolo", "Gaussian_yolo" or "region".

    Returns:
      The text.

    Raises:
      UserError: the network has a layer that Darknet has not, or no input size is known.
      ValueError: the strides of `output_fields` are not the network's.
    """
    if set(output_fields) != set(network.output):
        raise ValueError(f"outputs {tuple(network.output)}, output_fields {tuple(output_fields)}")
    rows, cols = input_size or network.input_shape[1:3]
    if rows is None or cols is None:
        raise UserError(f"{network.name}: takes any input size; a cfg needs one")
    net = {"batch": 1, "subdivisions": 1, "width": cols, "height": rows}
    net |= {"channels": network.input_shape[3], **(net_fields or {})}
    outputs = {tensor.node.layer.name: stride for stride, tensor in network.output.items()}
    walk = _Walk(network)
    for conv, _ in conv_layers(network):
        end = walk.write_convolution(conv.name)
        if end in outputs:
            fields = output_fields[outputs.pop(end)]
            if int(fields.get("new_coords", 0)):
                walk.sections[-1][1]["activation"] = "logistic"
            walk.sections.append((output_kind, fields))
    if outputs:
        name, stride = outputs.popitem()
        raise UserError(f"{network.name}: output {stride} ends in {name}, not in a convolution")
    return "\n".join(_section(kind, fields) for kind, fields in [("net", net), *walk.sections])


def _section(kind: str, fields: Fields) -> str:
    return "\n".join([f"[{kind}]", *(f"{key}={value}" for key, value in fields.items()), ""])


def _inputs_by_layer(network: tf_keras.Model) -> dict[str, list[str]]:
    """Names of the layers that feed each layer."""
    inputs, waiting = {}, list(network.outputs)
    while waiting:
        node = waiting.pop().node
        if node.layer.name not in inputs:
            inputs[node.layer.name] = [tensor.node.layer.name for tensor in node.keras_inputs]
            waiting += node.keras_inputs
    return inputs


@dataclass
class _Walk:
    """Writes a network's layers one by one; a Keras layer is known by its name."""

    network: tf_keras.Model
    sections: list[tuple[str, Fields]] = field(default_factory=list)  # layer 0 first
    places: dict[str, int] = field(default_factory=dict)  # Keras layer -> its place in `sections`

    def __post_init__(self):
        self.layers = {layer.name: layer for layer in self.network.layers}
        self.inputs = _inputs_by_layer(self.network)
        self.readers = {name: [] for name in self.inputs}
        for name, inputs in self.inputs.items():
            for source in inputs:
                self.readers[source].append(name)

    def write_convolution(self, name: str) -> str:
        """[convolutional], and before it the layers that it needs.

        Returns:
          The last Keras layer that the section stands for.
        """
        conv, (source,) = self.layers[name], self.inputs[name]
        padding = conv.kernel_size[0] // 2 if conv.padding == "same" else 0
        if isinstance(self.layers[source], layers.ZeroPadding2D):
            padding = self.layers[source].padding[0][0]
            (source,) = self.inputs[source]
        self._continue_from(source)
        norm = self._only_reader(name, _is_batch_norm)
        pool = self._only_reader(norm or name, _is_halving_pool)
        activation = self._only_reader(pool or norm or name, _activation)
        if pool and activation and _activation(self.layers[activation]) not in MONOTONIC:
            pool = activation = None
        fields = {"batch_normalize": 1} if norm else {}
        fields |= _conv_fields(conv, padding)
        fields["activation"] = _activation(self.layers[activation]) if activation else "linear"
        if not (pool and activation):
            return self._append("convolutional", fields, activation or norm or name)
        end = self._append("convolutional", fields, norm or name)
        self._append("maxpool", {"size": 2, "stride": 2}, activation)
        return end

    def _only_reader(self, name: str, accept: Callable) -> str | None:
        """The one layer that reads this one, if `accept` is true of it."""
        readers = self.readers[name]
        return readers[0] if len(readers) == 1 and accept(self.layers[readers[0]]) else None

    def _append(self, kind: str, fields: Fields, name: str) -> str:
        self.places[name] = len(self.sections)
        self.sections.append((kind, fields))
        return name

    def _continue_from(self, name: str) -> None:
        """Makes a layer the one before the next section."""
        if isinstance(self.layers[name], layers.InputLayer):
            if self.sections:
                raise self._unknown(name)
            return
        place = self._place(name)
        if place != len(self.sections) - 1:
            self.sections.append(("route", {"layers": place}))

    def _place(self, name: str) -> int:
        """The place of a layer that is no convolution, written now if it is not there yet."""
        if name not in self.places:
            layer, kind = self.layers[name], type(self.layers[name]).__name__
            if _activation(layer):  # convolutions have theirs, which leaves that of a shortcut
                (source,) = self.inputs[name]
                self._write_activated(name, source, _activation(layer))
            elif kind in _WRITERS:
                _WRITERS[kind](self, name)
            else:
                raise self._unknown(name)
        return self.places[name]

    def _unknown(self, name: str) -> UserError:
        kind = type(self.layers[name]).__name__
        if kind == "InputLayer":
            return UserError(f"{self.network.name}: in a cfg only the first layer reads the image")
        return UserError(f"{self.network.name}: layer {name} ({kind}) is none that a cfg can say")

    def _write_activated(self, name: str, source: str, activation: str) -> None:
        """The sections of a sum or product, the last with an activation, whose layer is `name`."""
        if isinstance(self.layers[source], layers.Add):
            self._write_shortcut(name, source)
        elif isinstance(self.layers[source], layers.Multiply):
            self._write_product(name, source)
        else:
            raise self._unknown(name)
        self.sections[-1][1]["activation"] = activation

    def _write_shortcut(self, name: str, add: str) -> None:
        """[shortcut] for each tensor that an Add adds to its first."""
        first, *others = self.inputs[add]
        # Not FitChannels: Darknet adds the channels that there are.
        fits = "FitChannels"
        others = [self.inputs[y][0] if type(self.layers[y]).__name__ == fits else y for y in others]
        places = [self._place(other) for other in others]
        self._continue_from(first)
        for place in places:
            self._append("shortcut", {"from": place, "activation": "linear"}, name)

    def _write_product(self, name: str, multiply: str) -> None:
        """[sam] of two tensors of one shape, [scale_channels] of one that has 1 for some sides."""
        if len(self.inputs[multiply]) != 2:
            raise self._unknown(name)
        shapes = {name: layer.output_shape for name, layer in self.layers.items()}
        shape = shapes[multiply]
        # The factors come before the section; of equals the first, as networks of cfgs have it.
        factors, x = sorted(self.inputs[multiply], key=lambda y: shapes[y] == shape)
        if shapes[x] != shape:
            raise self._unknown(name)
        kind, fields = "sam", {}
        if shapes[factors] != shape:
            kind = "scale_channels"
            fields = {} if shapes[factors][1:3] == (1, 1) else {"scale_wh": 1}
        place = self._place(x)
        self._continue_from(factors)
        self._append(kind, {"from": place, **fields}, name)

    def _write_route(self, name: str) -> None:
        layer = self.layers[name]
        fields = {"layers": ",".join(str(self._place(source)) for source in self.inputs[name])}
        if type(layer).__name__ == "ChannelGroup":
            fields |= {"groups": layer.groups, "group_id": layer.index}
        self._append("route", fields, name)

    def _write_max_pool(self, name: str) -> None:
        layer, (source,) = self.layers[name], self.inputs[name]
        size, stride = layer.pool_size[0], layer.strides[0]
        padding = size - 1 if layer.padding == "same" else 0
        if type(self.layers[source]).__name__ == "PadForMax":
            padding = sum(self.layers[source].sides)
            (source,) = self.inputs[source]
        self._continue_from(source)
        fields = {"size": size, "stride": stride}
        self._append("maxpool", fields | _unless(padding, size - 1, padding=padding), name)

    def _write_average_pool(self, name: str) -> None:
        if not self.layers[name].keepdims:
            raise self._unknown(name)
        self._continue_from(self.inputs[name][0])
        self._append("avgpool", {}, name)

    def _write_strided(self, kind: str, name: str) -> None:
        self._continue_from(self.inputs[name][0])
        self._append(kind, {"stride": self.layers[name].stride}, name)

    def _write_dropout(self, name: str) -> None:
        self._continue_from(self.inputs[name][0])
        self._append("dropout", {"probability": self.layers[name].rate}, name)


# Class of a Keras layer -> what writes it.
_WRITERS: dict[str, Callable[[_Walk, str], None]] = {
    "Add": lambda walk, name: walk._write_activated(name, name, "linear"),
    "Multiply": lambda walk, name: walk._write_activated(name, name, "linear"),
    "GlobalAveragePooling2D": _Walk._write_average_pool,
    "ChannelGroup": _Walk._write_route,
    "Concatenate": _Walk._write_route,
    "Dropout": _Walk._write_dropout,
    "MaxPooling2D": _Walk._write_max_pool,
    "Reorg": lambda walk, name: walk._write_strided("reorg", name),
    "Upsample": lambda walk, name: walk._write_strided("upsample", name),
    "SpaceToDepth": lambda walk, name: walk._write_strided("reorg3d", name),
}


def _is_batch_norm(layer) -> bool:
    return isinstance(layer, layers.BatchNormalization)


def _is_halving_pool(layer) -> bool:
    """Whether it may stand before an activation; see `blocks.Darknet.conv`."""
    pool = isinstance(layer, layers.MaxPooling2D) and layer.padding == "same"
    return pool and layer.pool_size == layer.strides == (2, 2)


@functools.cache
def _activation_traits() -> dict[str, tuple]:
    makers = {name: ACTIVATIONS[name] for name in rules.ACTIVATIONS}
    return {name: _traits(make()) for name, make in makers.items() if make is not None}


def _activation(layer) -> str | None:
    """Name of an activation layer in a cfg; None for every other layer."""
    traits = _traits(layer)
    return next((name for name, wanted in _activation_traits().items() if traits == wanted), None)


def _traits(layer) -> tuple:
    """What tells one activation layer from another."""
    settings = [getattr(layer, name, None) for name in ("activation", "alpha", "max_value")]
    return (type(layer), *settings)


def _conv_fields(conv, padding: int) -> Fields:
    """Fields of [convolutional] but batch norm and activation."""
    size, (rows, cols) = conv.kernel_size[0], conv.strides
    filters, groups = conv.weights[0].shape[3], conv.groups
    if isinstance(conv, layers.DepthwiseConv2D):
        groups = conv.weights[0].shape[2]
        filters *= groups
    stride = {"stride": rows} if rows == cols else {"stride_x": cols, "stride_y": rows}
    pad = {"pad": 1} if padding == size // 2 else {"padding": padding}
    fields = {"filters": filters, "size": size, **stride, **pad}
    dilation = conv.dilation_rate[0]
    return fields | _unless(groups, 1, groups=groups) | _unless(dilation, 1, dilation=dilation)


def _unless(value, default, **fields) -> Fields:
    return {} if value == default else fields
