"""[yolo], [Gaussian_yolo], [region]: what they need of the convolution before, and anchors."""

from yolo_tf.darknet.cfg import Section
from yolo_tf.darknet.layer import Layer, Output, Scope, bounded

MAX_CLASSES = 10_000
MAX_ANCHORS = 1_000
MAX_ANCHOR_SIDE = 1e5  # pixels


def yolo(section: Section, scope: Scope) -> Layer:
    """A [yolo] section: anchors in pixels, chosen by mask.

    Raises:
      UserError: a value makes no sense, or the layer before does not fit.
    """
    return _masked(section, scope, bool(section.integer("new_coords", 0)))


def gaussian_yolo(section: Section, scope: Scope) -> Layer:
    """A [Gaussian_yolo] section: x, y, width and height each with a deviation; else as `yolo`.

    Raises:
      UserError: as of `yolo`, or boxes are not given by their centre.
    """
    if section.text("yolo_point", "center") != "center":
        raise section.error("not supported, expected center", "yolo_point")
    return _masked(section, scope, new_coords=False, box_channels=9)


def _masked(section: Section, scope: Scope, new_coords: bool, box_channels: int = 5) -> Layer:
    classes = bounded(section, "classes", 20, 1, MAX_CLASSES)
    num = bounded(section, "num", 1, 1, MAX_ANCHORS)
    mask = section.integers("mask", tuple(range(num)))
    pairs = _anchors(section)
    for index in mask:
        # Some of Darknet's own files have more anchors than num says, and masks that take them.
        if not 0 <= index < max(num, len(pairs)):
            raise section.error(f"expected indices from 0 to {num - 1}, as num={num}", "mask")
        if index >= len(pairs):
            raise section.error(f"{len(pairs)} pairs, mask needs pair {index}", "anchors")
    anchors = tuple(pairs[index] for index in mask)
    activation = "logistic" if new_coords else "linear"
    _check_convolution(section, scope, box_channels, classes, len(anchors), activation)
    stride = _stride(section, scope)
    return _level(section, scope, classes, anchors, stride, new_coords, box_channels)


def region(section: Section, scope: Scope) -> Layer:
    """A [region] section: anchors in cells, all of them.

    Raises:
      UserError: a value makes no sense, or the layer before does not fit.
    """
    classes = bounded(section, "classes", 20, 1, MAX_CLASSES)
    num = bounded(section, "num", 1, 1, MAX_ANCHORS)
    if section.integer("coords", 4) != 4:
        raise section.error("expected 4: x, y, width and height", "coords")
    pairs = _anchors(section)[:num]
    if len(pairs) < num:
        raise section.error(f"{len(pairs)} pairs, expected {num}, as num={num}", "anchors")
    _check_convolution(section, scope, 5, classes, num, "linear")
    stride = _stride(section, scope)
    anchors = tuple((width * stride, height * stride) for width, height in pairs)
    return _level(section, scope, classes, anchors, stride)


def _anchors(section: Section) -> list[tuple[float, float]]:
    """(width, height) of the anchors of a section."""
    sides = section.numbers("anchors")
    if sides is None:
        raise section.error("expected widths and heights in turn", "anchors")
    if len(sides) % 2:
        raise section.error(f"{len(sides)} numbers, expected pairs of width and height", "anchors")
    if any(not 0 < side <= MAX_ANCHOR_SIDE for side in sides):
        raise section.error(f"expected numbers above 0, at most {MAX_ANCHOR_SIDE:g}", "anchors")
    return list(zip(sides[::2], sides[1::2], strict=True))


def _check_convolution(
    section: Section, scope: Scope, box_channels: int, classes: int, anchors: int, activation: str
) -> None:
    """The layer before must be a bare 1x1 convolution with as many filters as the level needs."""
    channels = (box_channels + classes) * anchors
    before = scope.layers[-1] if scope.layers else None
    if before is None or before.kind != "convolutional":
        raise section.error("expected a [convolutional] section directly before it")
    conv, where = before.section, f"[{section.kind}] in line {section.line}"
    plain = {"size": 1, "stride": (1, 1), "padding": 0, "groups": 1, "batch_norm": False}
    if any(getattr(before, name) != value for name, value in plain.items()):
        raise conv.error(
            "expected size=1, stride=1, no padding, no groups and no batch_normalize,"
            f" as {where} follows"
        )
    if before.shape[2] != channels:
        values = f"({box_channels} + classes) for each anchor"
        raise conv.error(f"{where} needs {channels}: {values}", "filters")
    if before.activation != activation:
        needs = f"{where} needs activation={activation}"
        hint = "; set it, or new_coords=0" if activation == "logistic" else ""
        raise conv.error(f"{needs}{' with new_coords=1' if hint else ''}{hint}", "activation")


def _stride(section: Section, scope: Scope) -> int:
    height, width, _ = scope.image
    rows, cols, _ = scope.shape(scope.index - 1)
    if height % rows or width % cols or height // rows != width // cols:
        raise section.error(
            f"a grid of {rows} x {cols} does not divide the input of {height} x {width} (height x"
            " width) evenly; choose a size that is a multiple of the network's largest stride"
        )
    return height // rows


def _level(section, scope, classes, anchors, stride, new_coords=False, box_channels=5) -> Layer:
    before = scope.layers[-1]
    output = Output(
        section,
        stride,
        before.shape[:2],
        classes,
        anchors,
        scope.index,
        before.conv,
        new_coords,
        box_channels,
    )
    return Layer(scope.index, section, (before.index,), before.shape, output=output)
