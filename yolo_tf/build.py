"""From a config to a detector: the plain dicts of the parts and the function that joins them."""

from yolo_tf.config import Config, YoloHeadConfig
from yolo_tf.detector import Detector
from yolo_tf.errors import UserError
from yolo_tf.heads.base import Head
from yolo_tf.heads.yolo.head import YoloHead
from yolo_tf.models import zoo

# Type of config.head -> its head. A new family: its dataclass in config, its folder, a line here.
HEADS = {YoloHeadConfig: YoloHead}


def build_head(config: Config, num_classes: int) -> Head:
    """The head of a recipe."""
    return HEADS[type(config.head)](config.head, num_classes, config.input_size)


def build_detector(config: Config, class_names: list[str]) -> Detector:
    """Network with random weights and head.

    Raises:
      UserError: a name is not in its dict, the strides do not divide the input, or the number
        of classes in the config is not that of the data.
    """
    model = config.model
    if model.name not in zoo.MODELS:
        raise UserError(
            f"config.model.name: found {model.name!r}, expected one of {', '.join(zoo.MODELS)}"
        )
    if model.num_classes not in (0, len(class_names)):
        raise UserError(
            f"config.model.num_classes: found {model.num_classes}, but the data has"
            f" {len(class_names)} classes ({', '.join(class_names[:8])}); 0 takes the data's"
        )
    head = build_head(config, len(class_names))
    strides = zoo.STRIDES[model.name]
    if set(config.head.anchors) != set(strides):
        raise UserError(
            f"config.head.anchors: found strides {sorted(config.head.anchors)}, but"
            f" {model.name} has outputs at {list(strides)}"
        )
    network = zoo.MODELS[model.name](
        tuple(config.input_size),
        {stride: head.output_channels(stride) for stride in strides},
        bn_momentum=model.bn_momentum,
        bn_epsilon=model.bn_epsilon,
        output_bias={stride: head.output_bias(stride) for stride in strides},
    )
    return Detector(network, head, class_names, config.input_size, config.data.resize, config.nms)
