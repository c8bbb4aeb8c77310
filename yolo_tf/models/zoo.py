"""The networks by name: images [B, H, W, 3] to {stride: raw output}.

A network has no meaning of its own; a head reads its outputs. The order of the convolutions, and
so of `blocks.conv_layers`, is that of Darknet's cfg of the same name:

| name        | cfg             | convolutions | backbone | strides and numbers of the outputs |
|-------------|-----------------|--------------|----------|------------------------------------|
| yolov3      | yolov3.cfg      | 75           | 0 to 51  | 32: 58, 16: 66, 8: 74              |
| yolov3_spp  | yolov3-spp.cfg  | 76           | 0 to 51  | 32: 59, 16: 67, 8: 75              |
| yolov3_tiny | yolov3-tiny.cfg | 13           | 0 to 6   | 32: 9, 16: 12                      |
| yolov4      | yolov4.cfg      | 110          | 0 to 71  | 8: 93, 16: 101, 32: 109            |
| yolov4_csp  | yolov4-csp.cfg  | 115          | 0 to 67  | 8: 94, 16: 104, 32: 114            |
| yolov4_tiny | yolov4-tiny.cfg | 21           | 0 to 14  | 32: 17, 16: 20                     |

yolov4-csp.cfg ends each level in a logistic activation; here the head applies it.

The SSD networks (`models.ssd`) have no cfg:

| name          | backbone       | convolutions | backbone | strides                 |
|---------------|----------------|--------------|----------|-------------------------|
| ssd300        | VGG-16         | 29           | 0 to 14  | 8, 16, 32, 64, 100, 300 |
| ssd_darknet53 | of yolov3      | 61           | 0 to 51  | 8, 16, 32, 64, 128      |
| ssd_tiny      | of yolov3_tiny | 12           | 0 to 6   | 16, 32, 64              |

Their outputs come last, finest level first.

Nor have those of YOLOX (`models.yolox`), whose outputs are five or more convolutions a level:

| name            | backbone                    | convolutions | backbone | strides   |
|-----------------|-----------------------------|--------------|----------|-----------|
| yolox_darknet53 | Darknet-53, that of yolov3  | 97           | 0 to 51  | 8, 16, 32 |
| yolox_tiny      | that of yolov3_tiny         | 27           | 0 to 6   | 16, 32    |
| yolox_nano      | CSPDarknet, depthwise       | 113          | 0 to 46  | 8, 16, 32 |
| yolox_tiny_csp  | CSPDarknet                  | 83           | 0 to 34  | 8, 16, 32 |
| yolox_s         | CSPDarknet                  | 83           | 0 to 34  | 8, 16, 32 |

The last three are YOLOX-Nano, YOLOX-Tiny and YOLOX-S as published (`models.yolox_csp`).

keras_backbone is one of tf_keras.applications with a neck of ours (`models.keras_backbone`).
yolo_n, yolo_s and yolo_m are in `models.elan`: strides 8, 16 and 32, outputs finest level first.
"""

import functools
from collections.abc import Callable

import tf_keras

from yolo_tf.errors import UserError
from yolo_tf.models import backbones, elan, keras_backbone, necks, ssd, yolox, yolox_csp
from yolo_tf.models.blocks import Darknet, set_output_bias
from yolo_tf.models.network import Network


def _yolov3(net: Darknet, images, output_channels: dict) -> dict:
    return necks.yolov3(net, backbones.darknet53(net, images), output_channels)


def _yolov3_spp(net: Darknet, images, output_channels: dict) -> dict:
    return necks.yolov3(net, backbones.darknet53(net, images), output_channels, spp=True)


def _yolov3_tiny(net: Darknet, images, output_channels: dict) -> dict:
    return necks.tiny(net, backbones.tiny(net, images), output_channels)


def _yolov4(net: Darknet, images, output_channels: dict) -> dict:
    net.activation = "mish"
    features = backbones.csp_darknet53(net, images)
    net.activation = "leaky"
    return necks.yolov4(net, features, output_channels)


def _yolov4_csp(net: Darknet, images, output_channels: dict) -> dict:
    net.activation = "mish"
    features = backbones.csp_darknet53(net, images, split_first=False)
    return necks.yolov4_csp(net, features, output_channels)


def _yolov4_tiny(net: Darknet, images, output_channels: dict) -> dict:
    # The neck of yolov3-tiny; only the backbone is new.
    return necks.tiny(net, backbones.csp_darknet53_tiny(net, images), output_channels)


KERAS_BACKBONE = "keras_backbone"  # takes the settings of `keras_backbone.network`

STRIDES: dict[str, tuple[int, ...]] = {
    "yolov3": (8, 16, 32),
    "yolov3_spp": (8, 16, 32),
    "yolov3_tiny": (16, 32),
    "yolov4": (8, 16, 32),
    "yolov4_csp": (8, 16, 32),
    "yolov4_tiny": (16, 32),
    "ssd300": (8, 16, 32, 64, 100, 300),
    "ssd_darknet53": (8, 16, 32, 64, 128),
    "ssd_tiny": (16, 32, 64),
    "yolox_darknet53": (8, 16, 32),
    "yolox_tiny": (16, 32),
    **dict.fromkeys(elan.SCALES, (8, 16, 32)),
    **dict.fromkeys(yolox_csp.SIZES, (8, 16, 32)),
    KERAS_BACKBONE: keras_backbone.STRIDES,
}

# Networks with outputs of boxes and of classes apart: `output_channels` has the parts of a level.
IN_PARTS = frozenset([*elan.SCALES, KERAS_BACKBONE])

# Networks that take inputs of one (height, width) alone.
FIXED_INPUTS: dict[str, tuple[int, int]] = {"ssd300": (300, 300)}

# Step of the input sizes where it is not the largest stride: the extra levels of an SSD round up,
# so that they have ceil(side / stride) cells.
INPUT_STEPS: dict[str, int] = {"ssd_darknet53": 32, "ssd_tiny": 32}


def build(
    layers: Callable,
    name: str,
    input_size: tuple[int | None, int | None],
    output_channels: dict[int, int | tuple[int, ...]],
    bn_momentum: float = 0.97,
    bn_epsilon: float = 1e-5,
    bn_synchronized: bool = False,
    bn_folded: bool = False,
    output_bias: dict | None = None,
    attention: str = "",
    **settings,
) -> tf_keras.Model:
    """Builds a network with random weights.

    Kernels start He normal, which keeps the variance through leaky ReLUs; those of the outputs
    near 0, so that training starts from `output_bias` alone.

    Args:
      layers: (Darknet, images, output_channels) -> outputs; the values of `MODELS` have it set.
      name: name of the model; set too.
      input_size: (height, width) pixels, multiples of the largest stride (or what FIXED_INPUTS
        and INPUT_STEPS say); None: any.
      output_channels: {stride: channels} for each of the network's strides; of a network of
        IN_PARTS the channels of each part, as `Head.output_parts` gives them.
      bn_momentum: share of the old moving statistics kept each step, 0 to 1.
      bn_epsilon: added to the variance in batch normalisation; Darknet's is 1e-5.
      bn_synchronized: its statistics are over the images of all replicas of a strategy.
      bn_folded: the convolutions have biases in place of batch normalisation.
      output_bias: {stride: [channels] float} first bias of the outputs; None: 0.
      attention: se | ese | cbam | eca: on each feature map that the backbone hands to the neck.
      settings: of the network's own, see its function.

    Returns:
      A functional model, float images [B, H, W, 3] in [0, 1] to
      {stride: float32 [B, H / stride, W / stride, channels]}. Strides are integers, which a
      SavedModel's own functions cannot name: export a tf.Module that holds the variables and a
      tf.function, not the model.

    Raises:
      UserError: the strides do not divide `input_size`, or no attention has that name.
      ValueError: `output_channels` names other strides than the network has.
    """
    strides = STRIDES[name]
    if set(output_channels) != set(strides):
        raise ValueError(f"{name} has strides {strides}, output_channels {tuple(output_channels)}")
    if tuple(input_size) != FIXED_INPUTS.get(name, tuple(input_size)):
        several = "several sizes (config.data.augment.sizes)" if None in input_size else None
        raise UserError(
            f"input_size: {several or tuple(input_size)} found,"
            f" {name} takes {FIXED_INPUTS[name]} alone"
        )
    step = INPUT_STEPS.get(name, max(strides))
    if any(side is not None and (side <= 0 or side % step) for side in input_size):
        raise UserError(
            f"input_size: {tuple(input_size)} found, {name} needs (height, width) in multiples "
            f"of {step} pixels"
        )
    net = Darknet(bn_momentum, bn_epsilon, bn_synchronized, bn_folded, attention=attention)
    images = tf_keras.Input((*input_size, 3), name="images")
    network = Network(images, layers(net, images, output_channels, **settings), name=name)
    for stride, bias in (output_bias or {}).items():
        set_output_bias(network, stride, bias)
    return network


MODELS: dict[str, Callable[..., tf_keras.Model]] = {
    "yolov3": functools.partial(build, _yolov3, "yolov3"),
    "yolov3_spp": functools.partial(build, _yolov3_spp, "yolov3_spp"),
    "yolov3_tiny": functools.partial(build, _yolov3_tiny, "yolov3_tiny"),
    "yolov4": functools.partial(build, _yolov4, "yolov4"),
    "yolov4_csp": functools.partial(build, _yolov4_csp, "yolov4_csp"),
    "yolov4_tiny": functools.partial(build, _yolov4_tiny, "yolov4_tiny"),
    "ssd300": functools.partial(build, ssd.ssd300, "ssd300"),
    "ssd_darknet53": functools.partial(build, ssd.ssd_darknet53, "ssd_darknet53"),
    "ssd_tiny": functools.partial(build, ssd.ssd_tiny, "ssd_tiny"),
    "yolox_darknet53": functools.partial(build, yolox.yolox_darknet53, "yolox_darknet53"),
    "yolox_tiny": functools.partial(build, yolox.yolox_tiny, "yolox_tiny"),
    **{
        name: functools.partial(build, functools.partial(elan.network, name=name), name)
        for name in elan.SCALES
    },
    **{
        name: functools.partial(build, functools.partial(yolox_csp.yolox, name=name), name)
        for name in yolox_csp.SIZES
    },
    KERAS_BACKBONE: functools.partial(build, keras_backbone.network, KERAS_BACKBONE),
}
