"""YOLOX as published: CSPDarknet, a path aggregation neck and decoupled towers at three levels.

Source: Z. Ge et al., "YOLOX: Exceeding YOLO Series in 2021", 2021, arXiv:2107.08430, and the
networks that its authors publish (github.com/Megvii-BaseDetection/YOLOX, Apache-2.0). Unlike those
these take RGB in [0, 1]; `yolox_model` reads the published weights accordingly.
"""

from dataclasses import dataclass

from yolo_tf.models.blocks import Darknet
from yolo_tf.models.layers import concat, reorg3d, shortcut, spatial_pyramid, upsample
from yolo_tf.models.yolox import Decoupled


@dataclass(frozen=True)
class Size:
    """What makes the published networks differ."""

    width: float  # times the channels of YOLOX-L
    depth: float  # times its bottlenecks
    depthwise: bool = False  # 3x3 convolutions are depthwise separable

    def channels(self, of_large: int) -> int:
        return int(of_large * self.width)

    def blocks(self, of_large: int) -> int:
        return max(round(of_large * self.depth), 1)


SIZES = {
    "yolox_nano": Size(0.25, 0.33, depthwise=True),
    "yolox_tiny_csp": Size(0.375, 0.33),
    "yolox_s": Size(0.5, 0.33),
}


def yolox(net: Darknet, images, output_channels: dict, name: str) -> dict:
    """One of `SIZES`.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3].
      output_channels: {stride: channels} for strides 8, 16 and 32; above 5.
      name: a key of `SIZES`.

    Returns:
      {stride: [B, rows, cols, channels]}, float32.
    """
    size = SIZES[name]
    settings = vars(net) | {"activation": "swish"}
    net = Decoupled(**settings, width=size.channels(256), depthwise=size.depthwise)
    levels = _path_aggregation(net, _csp_darknet(net, images, size), size)
    return {stride: net.output(x, output_channels[stride]) for stride, x in levels.items()}


def _csp_darknet(net: Decoupled, images, size: Size) -> dict:
    """CSPDarknet with the Focus stem, which moves blocks of 2 x 2 pixels into channels.

    Returns:
      {8: [B, H/8, W/8, 256 width], 16: [B, H/16, W/16, 512 width],
      32: [B, H/32, W/32, 1024 width]}.
    """
    x = net.conv(reorg3d(images, 2), size.channels(64), 3)
    features = {}
    for stride, filters, blocks in ((4, 128, 3), (8, 256, 9), (16, 512, 9), (32, 1024, 3)):
        filters, last = size.channels(filters), stride == 32
        x = net.unit(x, filters, stride=2, part="backbone")
        if last:
            x = net.conv(x, filters // 2, 1)
            x = net.conv(spatial_pyramid(x, x_first=True), filters, 1)
        x = _csp_layer(net, x, filters, size.blocks(blocks), "backbone", residual=not last)
        features[stride] = x
    return net.attend({stride: features[stride] for stride in (8, 16, 32)})


def _path_aggregation(net: Decoupled, features: dict, size: Size) -> dict:
    """Coarse to fine, then fine to coarse (arXiv:1803.01534).

    Returns:
      {stride: [B, rows, cols, filters]} with the channels of `features`.
    """
    filters = {stride: size.channels(32 * stride) for stride in (8, 16, 32)}
    blocks, x, lateral = size.blocks(3), features[32], {}
    for stride in (16, 8):
        lateral[2 * stride] = net.conv(x, filters[stride], 1, part="neck")
        x = concat([upsample(lateral[2 * stride]), features[stride]])
        x = _csp_layer(net, x, filters[stride], blocks, "neck", residual=False)
    levels = {8: x}
    for stride in (16, 32):
        x = net.unit(x, filters[stride // 2], stride=2)
        x = concat([x, lateral[stride]])
        x = _csp_layer(net, x, filters[stride], blocks, "neck", residual=False)
        levels[stride] = x
    return levels


def _csp_layer(net: Decoupled, x, filters: int, blocks: int, part: str, residual: bool):
    """Cross-stage partial (arXiv:1911.11929): bottlenecks on one half, the other half around them.

    Returns:
      [B, rows, cols, filters].
    """
    half = filters // 2
    branch = net.conv(x, half, 1, part=part)
    bypass = net.conv(x, half, 1, part=part)
    for _ in range(blocks):
        y = net.unit(net.conv(branch, half, 1, part=part), half, part=part)
        branch = shortcut(y, [branch]) if residual else y
    return net.conv(concat([branch, bypass]), filters, 1, part=part)
