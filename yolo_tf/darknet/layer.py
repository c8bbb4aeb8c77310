"""A layer of a cfg, resolved: what `plan` makes of a section and networks are built from."""

from dataclasses import dataclass

from yolo_tf.darknet.cfg import Section

Shape = tuple[int, int, int]  # rows, columns, channels
IMAGE = -1  # index of the network's input among the layers


@dataclass(frozen=True)
class Output:
    """A level of the detector: a [yolo], [Gaussian_yolo] or [region] section, resolved.

    Attributes:
      section: the section.
      stride: pixels of a cell.
      grid: (rows, columns).
      classes: their number.
      anchors: ((width, height), ...) in pixels, those of the mask, in its order.
      layer: index of the section among the layers; its convolution is the layer before.
      conv: number of that convolution among the convolutions.
      new_coords: Darknet applies the logistic function to that convolution's output.
      box_channels: filters of that convolution, for each anchor, beside the classes'.
    """

    section: Section
    stride: int
    grid: tuple[int, int]
    classes: int
    anchors: tuple[tuple[float, float], ...]
    layer: int
    conv: int
    new_coords: bool = False
    box_channels: int = 5


@dataclass(frozen=True)
class Layer:
    """A layer of a cfg with every default applied.

    Attributes:
      index: place among the layers; every section counts, [net] does not.
      section: what it was made of.
      inputs: indices of the layers it takes, in Darknet's order; -1 is the image.
      shape: (rows, columns, channels) of its output.
      size: side of a kernel or window.
      stride: steps (down, right); of an upsample and reorg, its factors.
      padding: of a convolution: on each side; of a maxpool: rows and columns in all.
      dilation: step between the cells under a kernel.
      groups, group_id: of a convolution or route.
      activation: of a convolution, shortcut or product.
      batch_norm: whether a convolution has batch normalisation in place of a bias.
      rate: share that a dropout leaves out.
      conv: number among the convolutions; -1 where it is none.
      floats: how many numbers a .weights file holds for it.
      output: the level, of a [yolo], [Gaussian_yolo] or [region].
    """

    index: int
    section: Section
    inputs: tuple[int, ...]
    shape: Shape
    size: int = 1
    stride: tuple[int, int] = (1, 1)
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    group_id: int = 0
    activation: str = "linear"
    batch_norm: bool = False
    rate: float = 0.0
    conv: int = -1
    floats: int = 0
    output: Output | None = None

    @property
    def kind(self) -> str:
        return self.section.kind


@dataclass
class Scope:
    """What a section sees: the image and the layers before it."""

    image: Shape
    layers: list[Layer]
    convolutions: int = 0  # among these layers

    @property
    def index(self) -> int:
        """Of the layer that comes next."""
        return len(self.layers)

    def shape(self, index: int) -> Shape:
        """Of a layer's output."""
        return self.image if index == IMAGE else self.layers[index].shape

    def add(self, layer: Layer) -> None:
        self.layers.append(layer)
        self.convolutions += layer.conv >= 0


def bounded(section: Section, key: str, default: int, low: int, high: int) -> int:
    """A whole number of a section, from `low` to `high`.

    Raises:
      UserError: it is none, or outside.
    """
    value = section.integer(key, default)
    if not low <= value <= high:
        raise section.error(f"expected a whole number from {low} to {high}", key)
    return value
