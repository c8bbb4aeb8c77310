"""A cfg to a list of checked layers, without TensorFlow (algorithms.md 6.1, 6.2)."""

from yolo_tf.darknet.cfg import Cfg, Section
from yolo_tf.darknet.layer import Layer, Output, Scope, bounded
from yolo_tf.darknet.rules import resolve
from yolo_tf.errors import UserError

MIN_INPUT, MAX_INPUT = 32, 8_192  # pixels a side
MAX_LAYERS = 1_000
MAX_FLOATS = 500_000_000  # of weights: 2 GB
MAX_ELEMENTS = 1 << 31  # of all layers' outputs for one image
# Sections that put out boxes; [detection], of YOLOv1, is refused by its own name.
_DETECTORS = ("yolo", "region", "Gaussian_yolo", "detection")


def plan(cfg: Cfg, input_size: tuple[int, int] | None = None) -> list[Layer]:
    """Resolves and checks every section.

    Args:
      cfg: the sections.
      input_size: (height, width) pixels in place of those in [net].

    Returns:
      The layers in the order of the cfg.

    Raises:
      UserError: names file, line and section of what is not supported or makes no sense.
    """
    scope = Scope((*_input_size(cfg, input_size), 3), [])
    if len(cfg.layers) > MAX_LAYERS:
        raise UserError(f"{cfg.name}: {len(cfg.layers)} layers, expected {MAX_LAYERS} at most")
    _check_no_classifier(cfg)
    floats = elements = 0
    for section in cfg.layers:
        layer = resolve(section, scope)
        scope.add(layer)
        rows, cols, channels = layer.shape
        floats += layer.floats
        elements += rows * cols * channels
        if floats > MAX_FLOATS:
            raise section.error(f"more than {MAX_FLOATS} weights up to here")
        if elements > MAX_ELEMENTS:
            raise section.error(f"layers of more than {MAX_ELEMENTS} numbers up to here")
    _check_outputs(cfg, outputs(scope.layers))
    _check_use(scope.layers)
    return scope.layers


def outputs(layers: list[Layer]) -> list[Output]:
    """The levels, in the order of the cfg."""
    return [layer.output for layer in layers if layer.output]


def parts(layers: list[Layer], backbone_layers: int = 0) -> list[str]:
    """For each convolution its part of the network: backbone, neck or output.

    Args:
      layers: of `plan`.
      backbone_layers: as in `backbone_end`.
    """
    end = backbone_end(layers, backbone_layers)
    ends = {output.conv for output in outputs(layers)}
    return [
        "output" if layer.conv in ends else "backbone" if layer.index < end else "neck"
        for layer in layers
        if layer.conv >= 0
    ]


def backbone_end(layers: list[Layer], backbone_layers: int = 0) -> int:
    """How many of the first layers are the backbone.

    A cfg does not say, so this is a guess by what is common to Darknet's own files: the backbone
    goes down to the largest stride, before anything is upsampled or put out. There it ends with
    the last shortcut, where it has any: moved on, where that stands in one of two branches (CSP),
    to the convolution that closes both. Without shortcuts it ends before the first 1x1
    convolution of that stride.

    Args:
      layers: of `plan`.
      backbone_layers: the answer, if above 0: the N of a file `NAME.conv.N`.

    Raises:
      UserError: `backbone_layers` is more than there are.
    """
    if backbone_layers:
        if not 0 < backbone_layers <= len(layers):
            raise UserError(
                f"config.model.backbone_layers: found {backbone_layers}, expected at most"
                f" {len(layers)}, the layers of the cfg"
            )
        return backbone_layers
    stops = (layer.index for layer in layers if layer.kind == "upsample" or layer.output)
    way_down = layers[: next(stops, len(layers))]
    squeezed = _squeezed(way_down)
    spread = [layer for layer in way_down if layer.index not in squeezed]
    if not spread:
        return 0
    bottom = min(layer.shape[0] for layer in spread)
    top = next(layer.index for layer in spread if layer.shape[0] == bottom)
    stage = [layer for layer in spread if layer.index >= top]
    shortcuts = [layer.index for layer in stage if layer.kind == "shortcut"]
    if not shortcuts:
        squeezes = (layer.index for layer in stage if layer.conv >= 0 and layer.size == 1)
        return next(squeezes, len(way_down))
    end = _cut(layers, stage, shortcuts[-1])
    closes = layers[end].kind == "route" and end + 1 < len(way_down) and layers[end + 1].conv >= 0
    return end + 1 + closes


def _squeezed(layers: list[Layer]) -> set[int]:
    """The layers behind an [avgpool] alone: side branches of squeeze and excitation."""
    found: set[int] = set()
    for layer in layers:
        if layer.kind == "avgpool" or found.issuperset(layer.inputs):
            found.add(layer.index)
    return found


def _cut(layers: list[Layer], stage: list[Layer], start: int) -> int:
    """First layer of the stage from `start` on behind which nobody takes one of the stage before.

    `start` itself, where there is none.
    """
    last_use = {}
    for layer in layers:
        last_use.update(dict.fromkeys(layer.inputs, layer.index))
    open_until = 0
    for layer in stage:
        if layer.index >= start and open_until <= layer.index:
            return layer.index
        open_until = max(open_until, last_use.get(layer.index, 0))
    return start


def _input_size(cfg: Cfg, input_size) -> tuple[int, int]:
    if cfg.net.integer("channels", 0) not in (0, 3):
        raise cfg.net.error("images have 3 channels here", "channels")
    if input_size is None:
        return tuple(bounded(cfg.net, key, 0, MIN_INPUT, MAX_INPUT) for key in ("height", "width"))
    height, width = input_size
    if not all(isinstance(side, int) and MIN_INPUT <= side <= MAX_INPUT for side in input_size):
        raise UserError(
            f"input_size: ({height}, {width}) found, expected (height, width) from {MIN_INPUT} to"
            f" {MAX_INPUT} pixels"
        )
    return height, width


def _check_no_classifier(cfg: Cfg) -> None:
    """A classifier is told as such, before a section of it is refused."""
    kinds = {section.kind: section for section in cfg.layers}
    ends = [kinds[kind] for kind in ("softmax", "avgpool", "cost") if kind in kinds]
    if ends and kinds.keys().isdisjoint(_DETECTORS):
        raise ends[0].error(
            "the cfg is a classifier: it has no [yolo], [region] or [Gaussian_yolo] section; only"
            " detectors are supported"
        )


def _check_outputs(cfg: Cfg, levels: list[Output]) -> None:
    if not levels:
        raise UserError(
            f"{cfg.name}: no [yolo], [region] or [Gaussian_yolo] section; only detectors are"
            " supported"
        )
    first_of: dict[int, Section] = {}
    for level in levels:
        other = first_of.setdefault(level.stride, level.section)
        if other is not level.section:
            raise level.section.error(
                f"stride {level.stride}, as the one in line {other.line}; expected one level for"
                " each stride"
            )
        if level.classes != levels[0].classes:
            raise level.section.error(
                f"line {levels[0].section.line} has {levels[0].classes}; expected one number of"
                " classes in all",
                "classes",
            )


def _check_use(layers: list[Layer]) -> None:
    """Nobody takes a level's numbers, and no weights are without use."""
    levels = outputs(layers)
    raw = {level.layer for level in levels} | {level.layer - 1 for level in levels}
    used = {level.layer for level in levels}
    for layer in reversed(layers):
        taken = raw.intersection(layer.inputs)
        if taken and not layer.output:
            number = max(taken)
            raise layer.section.error(
                f"takes layer {number}, [{layers[number].kind}] in line"
                f" {layers[number].section.line}, which is an output of the network; expected"
                " a [route] to an earlier layer"
            )
        if layer.index in used:
            used.update(layer.inputs)
        elif layer.floats:
            raise layer.section.error("no output depends on it; take it out of the cfg")
