"""YOLOX's networks: those of YOLOv3, whose outputs are decoupled towers.

Source: Z. Ge et al., "YOLOX: Exceeding YOLO Series in 2021", 2021, arXiv:2107.08430.
"""

from dataclasses import dataclass

from tf_keras import layers

from yolo_tf.models import backbones, necks
from yolo_tf.models.blocks import Darknet

_BOX, _OBJECTNESS = 4, 1  # channels


@dataclass
class Decoupled(Darknet):
    """Builds convolutions as `Darknet`, but each output as two towers, for classes and for boxes.

    The towers belong to the neck, so weights for another class count start no more of a level
    anew than its last convolution of classes.
    """

    width: int = 256  # channels of the towers
    depthwise: bool = False  # `unit` is a depthwise separable convolution

    def unit(self, x, filters: int, stride: int = 1, part: str = "neck"):
        """3x3 convolution with swish; depthwise: a 3x3 one of each channel, then a 1x1 one."""
        settings = {"part": part, "activation": "swish"}
        if self.depthwise:
            x = self.conv(x, x.shape[-1], 3, stride, groups=x.shape[-1], **settings)
            return self.conv(x, filters, 1, **settings)
        return self.conv(x, filters, 3, stride, **settings)

    def output(self, x, channels: int):
        """Raw output of a level, [B, rows, cols, channels] float32: box, objectness, classes."""
        x = self.conv(x, self.width, 1, part="neck", activation="swish")
        of_classes, of_boxes = self._tower(x), self._tower(x)
        parts = [
            super().output(of_boxes, _BOX),
            super().output(of_boxes, _OBJECTNESS),
            super().output(of_classes, channels - _BOX - _OBJECTNESS),
        ]
        # Under a mixed policy a layer would join them in half precision.
        return layers.Concatenate(dtype="float32")(parts)

    def _tower(self, x):
        for _ in range(2):
            x = self.unit(x, self.width)
        return x


def yolox_darknet53(net: Darknet, images, output_channels: dict) -> dict:
    """Backbone and neck of YOLOv3-SPP, the paper's baseline, and towers of 256 channels.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3].
      output_channels: {stride: channels} for strides 8, 16 and 32; above 5.

    Returns:
      {stride: [B, rows, cols, channels]}, float32.
    """
    net = Decoupled(**vars(net), width=256)
    return necks.yolov3(net, backbones.darknet53(net, images), output_channels, spp=True)


def yolox_tiny(net: Darknet, images, output_channels: dict) -> dict:
    """Backbone and neck of YOLOv3-tiny, and towers of 96 channels, as in the paper's YOLOX-Tiny.

    Args:
      net: numbers and builds the convolutions.
      images: [B, H, W, 3].
      output_channels: {stride: channels} for strides 16 and 32; above 5.

    Returns:
      {stride: [B, rows, cols, channels]}, float32.
    """
    net = Decoupled(**vars(net), width=96)
    return necks.tiny(net, backbones.tiny(net, images), output_channels)
