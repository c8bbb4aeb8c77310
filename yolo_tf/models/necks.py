"""Necks: feature maps of several strides to the raw outputs of the levels."""

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
        x = net.conv(x, filters, 1, part="neck")
        x = net.conv(x, filters * 2, 3, part="neck")
        x = net.conv(x, filters, 1, part="neck")
        if spp and stride == 32:
            x = net.conv(spatial_pyramid(x), filters, 1, part="neck")
        x = net.conv(x, filters * 2, 3, part="neck")
        x = net.conv(x, filters, 1, part="neck")
        y = net.conv(x, filters * 2, 3, part="neck")
        outputs[stride] = net.output(y, output_channels[stride])
    return outputs


def tiny(net: Darknet, features: dict, output_channels: dict) -> dict:
    """The neck of yolov3-tiny.cfg: two levels.

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
