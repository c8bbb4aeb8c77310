"""Backbones: image to feature maps by stride."""

from yolo_tf.models.blocks import Darknet
from yolo_tf.models.layers import channel_group, concat, max_pool, shortcut


def darknet53(net: Darknet, images) -> dict:
    """Darknet-53 without its classifier: 52 convolutions, numbers 0 to 51.

    Source: J. Redmon, A. Farhadi, "YOLOv3: An Incremental Improvement", 2018, arXiv:1804.02767.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3].

    Returns:
      {8: [B, H/8, W/8, 256], 16: [B, H/16, W/16, 512], 32: [B, H/32, W/32, 1024]}.
    """
    x = net.conv(images, 32, 3)
    features = {}
    stages = {2: (64, 1), 4: (128, 2), 8: (256, 8), 16: (512, 8), 32: (1024, 4)}
    for stride, (filters, blocks) in stages.items():
        x = net.conv(x, filters, 3, stride=2)
        for _ in range(blocks):
            x = net.residual(x, filters)
        features[stride] = x
    return net.attend({stride: features[stride] for stride in (8, 16, 32)})


def tiny(net: Darknet, images) -> dict:
    """Backbone of yolov3-tiny.cfg: 7 convolutions, numbers 0 to 6, and max pools.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3].

    Returns:
      {16: [B, H/16, W/16, 256], 32: [B, H/32, W/32, 1024]}.
    """
    x = images
    for filters in (16, 32, 64, 128):
        x = net.conv(x, filters, 3, pool=True)
    stride16 = net.conv(x, 256, 3)
    x = net.conv(max_pool(stride16), 512, 3)
    x = net.conv(max_pool(x, stride=1), 1024, 3)
    return net.attend({16: stride16, 32: x})


def csp_darknet53(net: Darknet, images, split_first: bool = True) -> dict:
    """CSPDarknet-53: Darknet-53 whose stages are cross-stage partial ones.

    Sources: A. Bochkovskiy, C.-Y. Wang, H.-Y. M. Liao, "YOLOv4: Optimal Speed and Accuracy of
    Object Detection", 2020, arXiv:2004.10934; the same, "Scaled-YOLOv4", 2020, arXiv:2011.08036.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3].
      split_first: YOLOv4's, whose first stage is split too: 72 convolutions, numbers 0 to 71.
        False: Scaled-YOLOv4's, which leaves that stage as in Darknet-53: 68, numbers 0 to 67.

    Returns:
      {8: [B, H/8, W/8, 256], 16: [B, H/16, W/16, 512], 32: [B, H/32, W/32, 1024]}.
    """
    x = net.conv(images, 32, 3)
    x = net.conv(x, 64, 3, stride=2)
    x = _csp_stage(net, x, 64, 1, branch=64) if split_first else net.residual(x, 64)
    features = {}
    stages = {4: (128, 2), 8: (256, 8), 16: (512, 8), 32: (1024, 4)}
    for stride, (filters, blocks) in stages.items():
        x = net.conv(x, filters, 3, stride=2)
        x = _csp_stage(net, x, filters, blocks, branch=filters // 2)
        features[stride] = x
    return net.attend({stride: features[stride] for stride in (8, 16, 32)})


def _csp_stage(net: Darknet, x, filters: int, blocks: int, branch: int):
    """Cross-stage partial: one branch of x goes through residual blocks, the other around them.

    Source: C.-Y. Wang et al., "CSPNet: A New Backbone that can Enhance Learning Capability of
    CNN", 2019, arXiv:1911.11929.

    Args:
      net: numbers and builds the convolutions.
      x: [B, H, W, filters].
      filters: channels of input and result; half as many inside of a residual block.
      blocks: residual blocks.
      branch: channels of each branch.

    Returns:
      [B, H, W, filters].
    """
    bypass = net.conv(x, branch, 1)
    x = net.conv(x, branch, 1)
    for _ in range(blocks):
        y = net.conv(x, filters // 2, 1)
        y = net.conv(y, branch, 3)
        x = shortcut(y, [x])
    x = net.conv(x, branch, 1)
    return net.conv(concat([x, bypass]), filters, 1)


def csp_darknet53_tiny(net: Darknet, images) -> dict:
    """Backbone of yolov4-tiny.cfg: 15 convolutions, numbers 0 to 14.

    Source: C.-Y. Wang, A. Bochkovskiy, H.-Y. M. Liao, "Scaled-YOLOv4", 2020, arXiv:2011.08036.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3].

    Returns:
      {16: [B, H/16, W/16, 256], 32: [B, H/32, W/32, 512]}.
    """
    x = net.conv(images, 32, 3, stride=2)
    x = net.conv(x, 64, 3, stride=2)
    for filters in (64, 128, 256):
        x, partial = _tiny_stage(net, x, filters)
        x = max_pool(x)
    return net.attend({16: partial, 32: net.conv(x, 512, 3)})


def _tiny_stage(net: Darknet, x, filters: int):
    """The stage of yolov4-tiny: half of the channels pass two more convolutions.

    Args:
      net: numbers and builds the convolutions.
      x: [B, H, W, C].
      filters: channels of the first convolution.

    Returns:
      [B, H, W, 2 filters]: the first convolution beside the result of its half;
      [B, H, W, filters]: that result alone, which the neck reads.
    """
    x = net.conv(x, filters, 3)
    first = net.conv(channel_group(x, 2, 1), filters // 2, 3)
    second = net.conv(first, filters // 2, 3)
    partial = net.conv(concat([second, first]), filters, 1)
    return concat([x, partial]), partial
