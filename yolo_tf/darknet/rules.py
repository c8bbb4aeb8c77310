"""What the sections of a cfg mean (algorithms.md 6.1, 6.2): each a checked layer.

Every number is bounded, so that no text can ask for more than a real network needs.
"""

from collections.abc import Callable

from yolo_tf.darknet.cfg import Section
from yolo_tf.darknet.layer import Layer, Scope, Shape, bounded
from yolo_tf.darknet.levels import gaussian_yolo, region, yolo

ACTIVATIONS = ("leaky", "mish", "swish", "relu", "relu6", "logistic", "linear")
# Darknet's [scale_channels] and [sam] know neither mish nor swish.
_OF_PRODUCTS = ("leaky", "relu", "relu6", "logistic", "linear")
MAX_CHANNELS = 65_536
MAX_SIDE = 64  # of kernels, windows, strides

# Options that, when on, make another function of a layer or another layout of its weights.
_REFUSED = {
    "convolutional": (
        "antialiasing",
        "assisted_excitation",
        "binary",
        "bin_output",
        "flipped",
        "rotate",
        "stretch",
        "stretch_sway",
        "sway",
        "xnor",
    ),
    "maxpool": ("antialiasing", "maxpool_depth", "out_channels"),
    "reorg": ("reverse",),
    "reorg3d": ("reverse",),
    "region": ("background",),
}
# The same, whatever their value.
_REFUSED_AT_ALL = {"convolutional": ("share_index",), "region": ("map", "tree")}


def resolve(section: Section, scope: Scope) -> Layer:
    """The layer of a section.

    Raises:
      UserError: the section or an option is not supported, or a value makes no sense here.
    """
    if section.kind not in RULES:
        raise section.error(f"not supported; supported are {', '.join(RULES)}")
    present = [key for key in _REFUSED_AT_ALL.get(section.kind, ()) if section.text(key)]
    switched_on = [key for key in _REFUSED.get(section.kind, ()) if section.number(key, 0)]
    for key in present + switched_on:
        raise section.error("not supported, and the network is another one without it", key)
    return RULES[section.kind](section, scope)


def _convolutional(section: Section, scope: Scope) -> Layer:
    rows, cols, channels = scope.shape(scope.index - 1)
    filters = bounded(section, "filters", 1, 1, MAX_CHANNELS)
    size = bounded(section, "size", 1, 1, MAX_SIDE)
    stride = _stride(section, 1)
    # pad overrides padding.
    padding = size // 2 if section.integer("pad", 0) else bounded(section, "padding", 0, 0, size)
    dilation = bounded(section, "dilation", 1, 1, MAX_SIDE) if size > 1 else 1
    if dilation > 1 and (stride != (1, 1) or size % 2 == 0 or padding != size // 2):
        raise section.error("supported with stride=1, an odd size and pad=1 only", "dilation")
    groups = bounded(section, "groups", 1, 1, MAX_CHANNELS)
    if channels % groups or filters % groups:
        raise section.error(f"does not divide {channels} channels and {filters} filters", "groups")
    batch_norm = bool(section.integer("batch_normalize", 0) or section.integer("cbn", 0))
    shape = (
        _windows(section, rows + 2 * padding, size, stride[0]),
        _windows(section, cols + 2 * padding, size, stride[1]),
        filters,
    )
    return Layer(
        scope.index,
        section,
        (scope.index - 1,),
        shape,
        size=size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        activation=_activation(section, "logistic"),
        batch_norm=batch_norm,
        conv=scope.convolutions,
        floats=filters * (channels // groups * size**2 + (4 if batch_norm else 1)),
    )


def _maxpool(section: Section, scope: Scope) -> Layer:
    rows, cols, channels = scope.shape(scope.index - 1)
    stride = _stride(section, 1)
    if stride[0] != stride[1]:
        raise section.error(f"strides {stride[1]} across and {stride[0]} down; expected one")
    size = bounded(section, "size", stride[0], 1, MAX_SIDE)
    # With more, windows would lie outside of the input altogether.
    padding = bounded(section, "padding", size - 1, 0, 2 * (size - 1))
    shape = (
        _windows(section, rows + padding, size, stride[0]),
        _windows(section, cols + padding, size, stride[0]),
        channels,
    )
    inputs = (scope.index - 1,)
    return Layer(scope.index, section, inputs, shape, size=size, stride=stride, padding=padding)


def _route(section: Section, scope: Scope) -> Layer:
    inputs = _references(section, "layers", scope)
    groups = bounded(section, "groups", 1, 1, MAX_CHANNELS)
    group_id = bounded(section, "group_id", 0, 0, groups - 1)
    rows, cols, _ = _one_size(section, "layers", inputs, scope)
    channels = [scope.shape(index)[2] for index in inputs]
    for index, count in zip(inputs, channels, strict=True):
        if count % groups:
            raise section.error(f"does not divide the {count} channels of layer {index}", "groups")
    total = sum(channels) // groups
    if total > MAX_CHANNELS:
        raise section.error(f"{total} channels in all, expected {MAX_CHANNELS} at most", "layers")
    shape = (rows, cols, total)
    return Layer(scope.index, section, inputs, shape, groups=groups, group_id=group_id)


def _shortcut(section: Section, scope: Scope) -> Layer:
    if section.text("weights_type", "none") != "none":
        raise section.error("weighted shortcuts are not supported, expected none", "weights_type")
    inputs = (scope.index - 1, *_references(section, "from", scope))
    _one_size(section, "from", inputs, scope)
    shape = scope.shape(scope.index - 1)
    activation = _activation(section, "linear")
    return Layer(scope.index, section, inputs, shape, activation=activation)


def _product(section: Section, scope: Scope) -> Layer:
    """[scale_channels] and [sam]: another layer times factors, which are the layer before."""
    inputs = (scope.index - 1, *_references(section, "from", scope))
    if len(inputs) != 2:
        raise section.error("expected the number of one layer", "from")
    factors, shape = map(scope.shape, inputs)
    expected = shape
    if section.kind == "scale_channels":
        by_cell = section.integer("scale_wh", 0)
        expected = (*shape[:2], 1) if by_cell else (1, 1, shape[2])
    if factors != expected:
        raise section.error(
            f"layer {inputs[1]} is {_by(shape)} (rows x columns x channels), so the layer before"
            f" this one must be {_by(expected)}; it is {_by(factors)}",
            "from",
        )
    activation = _activation(section, "linear", _OF_PRODUCTS)
    return Layer(scope.index, section, inputs, shape, activation=activation)


def _avgpool(section: Section, scope: Scope) -> Layer:
    channels = scope.shape(scope.index - 1)[2]
    return Layer(scope.index, section, (scope.index - 1,), (1, 1, channels))


def _upsample(section: Section, scope: Scope) -> Layer:
    rows, cols, channels = scope.shape(scope.index - 1)
    stride = bounded(section, "stride", 2, 1, MAX_SIDE)
    if section.number("scale", 1) != 1:
        raise section.error("not supported, expected 1", "scale")
    shape = (rows * stride, cols * stride, channels)
    return Layer(scope.index, section, (scope.index - 1,), shape, stride=(stride, stride))


def _dropout(section: Section, scope: Scope) -> Layer:
    rate = section.number("probability", 0.2)
    if not 0 <= rate < 1:
        raise section.error("expected a number from 0 to below 1", "probability")
    shape = scope.shape(scope.index - 1)
    return Layer(scope.index, section, (scope.index - 1,), shape, rate=rate)


def _reorg(section: Section, scope: Scope) -> Layer:
    rows, cols, channels = scope.shape(scope.index - 1)
    stride = bounded(section, "stride", 1, 1, MAX_SIDE)
    blocks = channels if section.kind == "reorg" else stride**2
    if rows % stride or cols % stride or blocks % stride**2:
        raise section.error(f"does not fit an input of {rows} x {cols} x {channels}", "stride")
    if channels * stride**2 > MAX_CHANNELS:
        raise section.error(f"gives more than {MAX_CHANNELS} channels", "stride")
    shape = (rows // stride, cols // stride, channels * stride**2)
    return Layer(scope.index, section, (scope.index - 1,), shape, stride=(stride, stride))


RULES: dict[str, Callable[[Section, Scope], Layer]] = {
    "convolutional": _convolutional,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "route": _route,
    "shortcut": _shortcut,
    "scale_channels": _product,
    "sam": _product,
    "upsample": _upsample,
    "dropout": _dropout,
    "reorg": _reorg,
    "reorg3d": _reorg,
    "yolo": yolo,
    "Gaussian_yolo": gaussian_yolo,
    "region": region,
}


def _stride(section: Section, default: int) -> tuple[int, int]:
    """Steps (down, right)."""
    both = bounded(section, "stride", default, 1, MAX_SIDE)
    # Darknet takes stride for a stride_x below 1.
    across = bounded(section, "stride_x", both, -1, MAX_SIDE)
    down = bounded(section, "stride_y", both, -1, MAX_SIDE)
    return (down if down > 0 else both, across if across > 0 else both)


def _windows(section: Section, side: int, size: int, stride: int) -> int:
    if side < size:
        raise section.error(f"larger than its input of {side} with padding", "size")
    return (side - size) // stride + 1


def _by(shape: Shape) -> str:
    return " x ".join(map(str, shape))


def _activation(section: Section, default: str, allowed: tuple[str, ...] = ACTIVATIONS) -> str:
    name = section.text("activation", default)
    if name not in allowed:
        raise section.error(f"not supported; supported are {', '.join(allowed)}", "activation")
    return name


def _references(section: Section, key: str, scope: Scope) -> tuple[int, ...]:
    """Absolute indices of the layers that a value names; below 0 counts from this layer."""
    found = section.integers(key)
    if found is None:
        raise section.error("expected the numbers of layers", key)
    absolute = tuple(number + scope.index if number < 0 else number for number in found)
    for number, index in zip(found, absolute, strict=True):
        if not 0 <= index < scope.index:
            raise section.error(f"{number} is none of the {scope.index} layers before", key)
    return absolute


def _one_size(section: Section, key: str, inputs: tuple[int, ...], scope: Scope):
    """The shape of the first of the inputs, which all have its rows and columns."""
    first = scope.shape(inputs[0])
    height, width, _ = scope.image
    for index in inputs:
        rows, cols, _ = scope.shape(index)
        if (rows, cols) != first[:2]:
            raise section.error(
                f"layer {index} is {rows} x {cols}, layer {inputs[0]} {first[0]} x {first[1]};"
                f" expected one size; is the input of {height} x {width} a multiple of the"
                " largest stride?",
                key,
            )
    return first
