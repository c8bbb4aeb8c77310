"""Necks: feature maps of several strides to the raw outputs of the levels."""

from collections.abc import Callable

from yolo_tf.models.blocks import Darknet
from yolo_tf.models.layers import concat, spatial_pyramid, upsample


def yolov3(net: Darknet, features: dict, output_channels: dict, spp: bool = False) -> dict:
    """The neck of yolov3.cfg: coarse to fine, each level joined by the coarser one, upsampled.

    The output convolution of a level stands before the next level's neck, as in the cfg.

    Args:
      net: numbers and builds the convolutions.
      features: {stride: [B, rows, cols, C]} for strides 8, 16 and 32.
      output_channels: {stride: channels} of the raw outputs.
      spp: with the pyramid pooling of yolov3-spp.cfg at stride 32.

    Returns:
      {stride: [B, rows, cols, channels]}, float32.
    """
    outputs = {}
    x = features[32]
    for stride, filters in ((32, 512), (16, 256), (8, 128)):
        if stride != 32:
            x = net.conv(x, filters, 1, part="neck")
            x = concat([upsample(x), features[stride]])
        x = _five_convs(net, x, filters, pyramid=spp and stride == 32)
        y = net.conv(x, filters * 2, 3, part="neck")
        outputs[stride] = net.output(y, output_channels[stride])
    return outputs


def tiny(net: Darknet, features: dict, output_channels: dict) -> dict:
    """The neck of yolov3-tiny.cfg and yolov4-tiny.cfg: two levels.

    Args:
      net: numbers and builds the convolutions.
      features: {stride: [B, rows, cols, C]} for strides 16 and 32.
      output_channels: {stride: channels} of the raw outputs.

    Returns:
      {stride: [B, rows, cols, channels]}, float32.
    """
    outputs = {}
    x = net.conv(features[32], 256, 1, part="neck")
    y = net.conv(x, 512, 3, part="neck")
    outputs[32] = net.output(y, output_channels[32])
    x = net.conv(x, 128, 1, part="neck")
    x = concat([upsample(x), features[16]])
    y = net.conv(x, 256, 3, part="neck")
    outputs[16] = net.output(y, output_channels[16])
    return outputs


def yolov4(net: Darknet, features: dict, output_channels: dict) -> dict:
    """The neck of yolov4.cfg: pyramid pooling and a path aggregation network; finest level first.

    Source: A. Bochkovskiy, C.-Y. Wang, H.-Y. M. Liao, "YOLOv4: Optimal Speed and Accuracy of
    Object Detection", 2020, arXiv:2004.10934.

    Args:
      net: numbers and builds the convolutions.
      features: {stride: [B, rows, cols, C]} for strides 8, 16 and 32.
      output_channels: {stride: channels} of the raw outputs.

    Returns:
      {stride: [B, rows, cols, channels]}, float32.
    """
    return _path_aggregation(net, features, output_channels, _five_convs)


def yolov4_csp(net: Darknet, features: dict, output_channels: dict) -> dict:
    """The neck of yolov4-csp.cfg: that of YOLOv4 of cross-stage partial blocks.

    The cfg's logistic activation of the outputs is left to the head.

    Source: C.-Y. Wang, A. Bochkovskiy, H.-Y. M. Liao, "Scaled-YOLOv4", 2020, arXiv:2011.08036.

    Args:
      net: numbers and builds the convolutions.
      features: {stride: [B, rows, cols, C]} for strides 8, 16 and 32.
      output_channels: {stride: channels} of the raw outputs.

    Returns:
      {stride: [B, rows, cols, channels]}, float32.
    """
    return _path_aggregation(net, features, output_channels, _csp_block)


def _path_aggregation(net: Darknet, features: dict, output_channels: dict, block: Callable) -> dict:
    """Coarse to fine, then fine to coarse, joining what both ways have of a stride.

    Source: S. Liu et al., "Path Aggregation Network for Instance Segmentation", 2018,
    arXiv:1803.01534, with concatenation in place of sums as in YOLOv4.

    Args:
      net: numbers and builds the convolutions.
      features: {stride: [B, rows, cols, C]} for strides 8, 16 and 32.
      output_channels: {stride: channels} of the raw outputs.
      block: (net, x, filters, pyramid) -> [B, rows, cols, filters], after each join.

    Returns:
      {stride: [B, rows, cols, channels]}, float32.
    """
    joined = {32: block(net, features[32], 512, pyramid=True)}
    for stride, filters in ((16, 256), (8, 128)):
        coarser = upsample(net.conv(joined[2 * stride], filters, 1, part="neck"))
        lateral = net.conv(features[stride], filters, 1, part="neck")
        joined[stride] = block(net, concat([lateral, coarser]), filters)

    outputs = {}
    x = joined[8]
    for stride, filters in ((8, 128), (16, 256), (32, 512)):
        if stride != 8:
            x = net.conv(x, filters, 3, stride=2, part="neck")
            x = block(net, concat([x, joined[stride]]), filters)
        y = net.conv(x, filters * 2, 3, part="neck")
        outputs[stride] = net.output(y, output_channels[stride])
    return outputs


def _five_convs(net: Darknet, x, filters: int, pyramid: bool = False):
    """Five convolutions, 1x1 and 3x3 in turn, to [B, rows, cols, filters].

    With `pyramid` the pooling and a sixth convolution stand after the third.
    """
    x = net.conv(x, filters, 1, part="neck")
    x = net.conv(x, filters * 2, 3, part="neck")
    x = net.conv(x, filters, 1, part="neck")
    if pyramid:
        x = net.conv(spatial_pyramid(x), filters, 1, part="neck")
    x = net.conv(x, filters * 2, 3, part="neck")
    return net.conv(x, filters, 1, part="neck")


def _csp_block(net: Darknet, x, filters: int, pyramid: bool = False):
    """Cross-stage partial form of `_five_convs`, to [B, rows, cols, filters].

    With `pyramid` x is not reduced first, and the pooling and one more convolution stand after the
    third of the branch.
    """
    if not pyramid:
        x = net.conv(x, filters, 1, part="neck")
    bypass = net.conv(x, filters, 1, part="neck")
    x = net.conv(x, filters, 1, part="neck")
    x = net.conv(x, filters, 3, part="neck")
    x = net.conv(x, filters, 1, part="neck")
    if pyramid:
        x = net.conv(spatial_pyramid(x), filters, 1, part="neck")
    x = net.conv(x, filters, 3, part="neck")
    return net.conv(concat([x, bypass]), filters, 1, part="neck")
