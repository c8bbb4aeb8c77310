"""Backbones: image to feature maps by stride."""

from yolo_tf.models.blocks import Darknet
from yolo_tf.models.layers import max_pool


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
    return {stride: features[stride] for stride in (8, 16, 32)}


def tiny(net: Darknet, images) -> dict:
    """Backbone of yolov3-tiny.cfg: 7 convolutions, numbers 0 to 6, and max pools.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3].

    Returns:
      {16: [B, H/16, W/16, 256], 32: [B, H/32, W/32, 1024]}.
    """
    x = net.conv(images, 16, 3)
    for filters in (32, 64, 128, 256):
        x = net.conv(max_pool(x), filters, 3)
    stride16 = x
    x = net.conv(max_pool(x), 512, 3)
    x = net.conv(max_pool(x, stride=1), 1024, 3)
    return {16: stride16, 32: x}
