"""yolo_n, yolo_s and yolo_m: three levels, no anchors, made for CPUs and small devices too.

Where the ideas come from: one part of the channels alone goes through the expensive layers (CSPNet,
arXiv:1911.11929), and what each step of these gives is kept for the 1x1 convolution that ends the
block, so that there is a short and a long way for the gradient (ELAN, of YOLOv7, arXiv:2207.02696).
The neck goes up and down again with concatenations (PANet, arXiv:1803.01534); it weighs as much as
the backbone, and the outputs are light (RTMDet, arXiv:2212.07784), boxes and classes in branches of
their own (YOLOX, arXiv:2107.08430). The composition is ours: no published weights fit it.

| name   | parameters at 80 / 20 / 1 classes    | GFLOPs at 640 / 416 / 320 | convolutions |
|--------|--------------------------------------|---------------------------|--------------|
| yolo_n | 2,890,752 / 2,879,052 / 2,875,347    | 7.691 / 3.249 / 1.923     | 83           |
| yolo_s | 10,608,464 / 10,585,244 / 10,577,891 | 26.654 / 11.261 / 6.664   | 83           |
| yolo_m | 24,005,472 / 23,970,732 / 23,959,731 | 70.037 / 29.590 / 17.509  | 99           |

Parameters are those that are trained, with a head of 16 bins a side; FLOPs twice the products of
the convolutions, at 80 classes.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from tf_keras import layers

from yolo_tf.errors import UserError, check_choice
from yolo_tf.models.attention import attention
from yolo_tf.models.blocks import Darknet
from yolo_tf.models.layers import concat, max_pool, shortcut, upsample

_BOX_WIDTH = 64  # channels of the box branch: it must hold 4 x 16 logits
_SETTINGS = {
    "class_branch": ("depthwise", "full"),
    "activation": ("swish", "relu6", "hard_swish"),
    "block": ("plain", "parallel", "depthwise"),
}


@dataclass(frozen=True)
class Scale:
    """The numbers that a size of the family has of its own."""

    channels: tuple[int, int, int, int, int]  # of the backbone at strides 2, 4, 8, 16 and 32
    backbone: tuple[int, int, int, int]  # residual pairs at strides 4, 8, 16 and 32
    neck: tuple[int, int, int, int]  # pairs at strides 16 and 8 upwards, 16 and 32 downwards
    width: int  # channels of the class branch


SCALES = {
    "yolo_n": Scale((16, 32, 64, 128, 256), (1, 2, 2, 1), (2, 2, 2, 1), 64),
    "yolo_s": Scale((32, 64, 128, 256, 512), (1, 2, 2, 1), (2, 2, 2, 1), 128),
    "yolo_m": Scale((48, 96, 192, 384, 576), (2, 3, 3, 2), (3, 3, 3, 2), 192),
}


def network(
    net: Darknet,
    images,
    output_channels: dict,
    name: str,
    class_branch: str = "depthwise",
    activation: str = "swish",
    block: str = "plain",
    block_attention: bool = False,
) -> dict:
    """Backbone, neck and a branch for boxes and one for classes at each level.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3], sides in multiples of 32.
      output_channels: {stride: (channels of boxes, ..., channels of classes)} for strides 8, 16
        and 32, as `Head.output_parts` gives them. The classes have a branch of their own.
      name: a key of SCALES.
      class_branch: depthwise | full; full has plain convolutions, which suit GPUs better.
      activation: swish | relu6 | hard_swish; of all convolutions but the outputs.
      block: the second 3x3 convolution of each pair in the chains. plain | parallel, with a 1x1
        one beside it while training (PP-YOLOE, arXiv:2203.16250) | depthwise, a depthwise 5x5 and
        a 1x1 one in its place (RTMDet).
      block_attention: effective squeeze and excitation before the 1x1 that ends each block.

    Returns:
      {stride: [B, rows, cols, channels]}, float32; the parts of a level in their order.

    Raises:
      UserError: one of these is not known, or a level has no part of the classes.
    """
    given = {"class_branch": class_branch, "activation": activation, "block": block}
    for setting, found in given.items():
        check_choice(f"config.model.{setting}", found, _SETTINGS[setting])
    if any(len(parts) < 2 for parts in output_channels.values()):
        raise UserError(
            f"config.head: {name} has outputs of boxes and of classes apart, one box a cell; a"
            " head with anchors or priors has not: TalHeadConfig or YoloxHeadConfig"
        )
    scale, net.activation = SCALES[name], activation
    elan = functools.partial(_elan, net, block=block, attended=block_attention)
    levels = _neck(net, elan, _backbone(net, elan, images, scale), scale)
    width = scale.width
    return {s: _output(net, levels[s], output_channels[s], width, class_branch) for s in levels}


def _backbone(net: Darknet, elan: Callable, images, scale: Scale) -> dict:
    """{8, 16, 32: [B, H / stride, W / stride, channels at that stride]}."""
    first, *others = scale.channels
    x, features = net.conv(images, first, 3, stride=2), {}
    for stride, filters, pairs in zip((4, 8, 16, 32), others, scale.backbone, strict=True):
        x = net.conv(x, filters, 3, stride=2)
        x = features[stride] = elan(x, filters, pairs, "backbone")
    return net.attend({8: features[8], 16: features[16], 32: _pyramid(net, x)})


def _neck(net: Darknet, elan: Callable, features: dict, scale: Scale) -> dict:
    """Up to the finest level and down again; channels of the levels as those of the backbone."""
    _, _, fine, middle, coarse = scale.channels
    pairs = dict(zip(("up16", "up8", "down16", "down32"), scale.neck, strict=True))

    def join(x, other, filters, where):
        return elan(concat([x, other]), filters, pairs[where], "neck", residual=False)

    up16 = join(upsample(features[32]), features[16], middle, "up16")
    level8 = join(upsample(up16), features[8], fine, "up8")
    down = net.conv(level8, fine, 3, stride=2, part="neck")
    level16 = join(down, up16, middle, "down16")
    down = net.conv(level16, middle, 3, stride=2, part="neck")
    return {8: level8, 16: level16, 32: join(down, features[32], coarse, "down32")}


def _elan(
    net: Darknet,
    x,
    filters: int,
    pairs: int,
    part: str,
    block: str,
    attended: bool,
    residual: bool = True,
):
    """Efficient layer aggregation: a bypass, a chain of pairs of 3x3, and all of it joined.

    Args:
      net: numbers and builds the convolutions.
      x: [B, H, W, C].
      filters: channels of the result; each step of the chain has half of them.
      pairs: steps of the chain, two convolutions each.
      part: backbone | neck, for the layers' names.
      block, attended: as `block` and `block_attention` of `network`.
      residual: whether a step is added to the one before.

    Returns:
      [B, H, W, filters].
    """
    half = filters // 2
    kept = [net.conv(x, half, 1, part=part) for _ in ("bypass", "chain")]
    for _ in range(pairs):
        y = net.conv(kept[-1], half, 3, part=part)
        if block == "depthwise":
            y = net.conv(y, half, 5, part=part, groups=half)
            y = net.conv(y, half, 1, part=part)
        else:
            y = net.conv(y, half, 3, part=part, parallel=block == "parallel")
        kept.append(shortcut(y, [kept[-1]]) if residual else y)
    x = concat(kept)
    if attended:
        x = attention("ese", name=f"{part}_ese_{net.count:03d}")(x)
    return net.conv(x, filters, 1, part=part)


def _pyramid(net: Darknet, x):
    """SPP in its fast form: max pools of 5, 9 and 13 cells, each of the one before."""
    filters = x.shape[-1]
    kept = [net.conv(x, filters // 2, 1)]
    for _ in range(3):
        kept.append(max_pool(kept[-1], 5, 1))
    return net.conv(concat(kept), filters, 1)


def _output(net: Darknet, x, parts: tuple[int, ...], width: int, class_branch: str):
    """Raw output of a level: boxes, then classes, from two branches."""
    *of_boxes, classes = parts
    boxes = x
    for _ in range(2):
        boxes = net.conv(boxes, _BOX_WIDTH, 3, part="output")
    joined = [net.output(boxes, channels) for channels in of_boxes]
    for _ in range(2):
        if class_branch == "depthwise":
            x = net.conv(x, x.shape[-1], 3, part="output", groups=x.shape[-1])
            x = net.conv(x, width, 1, part="output")
        else:
            x = net.conv(x, width, 3, part="output")
    joined.append(net.output(x, classes))
    # Under a mixed policy a layer would join them in half precision.
    return layers.Concatenate(dtype="float32")(joined)
