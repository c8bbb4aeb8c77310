"""From a config to a detector: the plain dicts of the parts and the function that joins them."""

import dataclasses
import functools
from collections.abc import Callable, Iterable

import tf_keras

from yolo_tf.config import Config, SsdHeadConfig, TalHeadConfig, YoloHeadConfig, YoloxHeadConfig
from yolo_tf.config.check import check_multiple
from yolo_tf.darknet import network as darknet_network
from yolo_tf.darknet.cfg import read_cfg
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.detector.detector import Detector
from yolo_tf.errors import UserError, check_choice
from yolo_tf.heads.base import Head
from yolo_tf.heads.ssd.head import SsdHead
from yolo_tf.heads.tal.head import TalHead
from yolo_tf.heads.yolo.head import YoloHead
from yolo_tf.heads.yolox.head import YoloxHead
from yolo_tf.models import zoo

# Type of config.head -> its head. A new family: its dataclass in config, its folder, a line here.
HEADS = {
    YoloHeadConfig: YoloHead,
    SsdHeadConfig: SsdHead,
    YoloxHeadConfig: YoloxHead,
    TalHeadConfig: TalHead,
}


def build_head(config: Config, num_classes: int) -> Head:
    """The head of a recipe.

    Raises:
      UserError: config.head is of no known family, or one of its settings is wrong.
    """
    if type(config.head) not in HEADS:
        raise UserError(
            f"config.head: found {type(config.head).__name__}, expected one of"
            f" {', '.join(kind.__name__ for kind in HEADS)}"
        )
    if len(config.head.class_weights) not in (0, num_classes):
        raise UserError(
            f"config.head.class_weights: found {len(config.head.class_weights)} values, expected"
            f" {num_classes}, one for each class in their order"
        )
    return HEADS[type(config.head)](config.head, num_classes, config.input_size)


def build_heads(config: Config, sizes: Iterable[tuple[int, int]], num_classes: int) -> dict:
    """(height, width) -> the head of a recipe at that input size, for multi-scale training.

    Raises:
      UserError: the network does not take one of the sizes.
    """
    _, strides = _network(config)
    heads = {}
    for size in sizes:
        scaled = dataclasses.replace(config, input_size=tuple(size))
        _check_input_size(scaled, strides, "config.data.augment.sizes")
        heads[tuple(size)] = build_head(scaled, num_classes)
    return heads


def build_detector(
    config: Config,
    class_names: list[str],
    policy: str = "float32",
    *,
    bn_synchronized: bool = False,
    bn_folded: bool = False,
    any_size: bool = False,
) -> Detector:
    """Network with random weights and head.

    Args:
      config: the recipe.
      class_names: name of each class, in order.
      policy: of the precision in which the layers compute, a name that tf_keras knows; weights,
        outputs and losses are float32 under every one.
      bn_synchronized: batch-norm statistics over all replicas; for training.
      bn_folded: biases in place of batch norm; for inference, see `export.fold`.
      any_size: whether the network takes inputs of other sizes too; for multi-scale training.

    Raises:
      UserError: a name is not in its dict, the strides do not divide the input, or the number
        of classes in the config is not that of the data.
    """
    model = config.model
    if model.num_classes not in (0, len(class_names)):
        raise UserError(
            f"config.model.num_classes: found {model.num_classes}, but the data has"
            f" {len(class_names)} classes ({', '.join(class_names[:8])}); 0 takes the data's"
        )
    build_network, strides = _network(config)
    _check_input_size(config, strides)
    head = build_head(config, len(class_names))
    if set(head.strides) != set(strides):
        raise UserError(
            f"config.head: found strides {list(head.strides)}, but {model.name} has outputs at"
            f" {list(strides)}"
        )
    global_policy = tf_keras.mixed_precision.global_policy()
    tf_keras.mixed_precision.set_global_policy(policy)
    try:
        network = build_network(
            (None, None) if any_size else tuple(config.input_size),
            _output_channels(config, head),
            bn_momentum=model.bn_momentum,
            bn_epsilon=model.bn_epsilon,
            bn_synchronized=bn_synchronized,
            bn_folded=bn_folded,
            output_bias={stride: head.output_bias(stride) for stride in strides},
        )
    finally:
        tf_keras.mixed_precision.set_global_policy(global_policy)
    return Detector(network, head, class_names, config.input_size, config.data.resize, config.nms)


def _network(config: Config) -> tuple[Callable[..., tf_keras.Model], tuple[int, ...]]:
    """The function that builds the network, from a cfg or of the zoo, and its strides."""
    model = config.model
    if model.cfg:
        for setting in ("attention", "backbone"):
            if value := getattr(model, setting):
                raise UserError(
                    f"config.model.{setting}: found {value!r}, expected nothing: the layers of a"
                    f" cfg are in its file, {model.cfg}"
                )
        cfg = read_cfg(model.cfg)
        strides = tuple(sorted(level.stride for level in outputs(plan(cfg))))
        settings = {"backbone_layers": model.backbone_layers, "name": model.name}
        return functools.partial(darknet_network.build, cfg, **settings), strides
    name = _zoo_name(config)
    or_cfg = "; or name a Darknet cfg: config.model.cfg"
    check_choice("config.model.name", name, zoo.MODELS, or_cfg)
    network, strides = zoo.MODELS[name], zoo.STRIDES[name]
    if name == zoo.KERAS_BACKBONE:
        settings = {"backbone": model.backbone, "neck_width": model.neck_width}
        network = functools.partial(network, **settings)
    elif name in zoo.IN_PARTS:
        names = ("class_branch", "activation", "block", "block_attention")
        settings = {name: getattr(model, name) for name in names}
        network = functools.partial(network, **settings)
    if model.attention:
        network = functools.partial(network, attention=model.attention)
    return network, strides


def _zoo_name(config: Config) -> str:
    """Name in the zoo of a network without a cfg; a backbone of Keras goes over the name."""
    return zoo.KERAS_BACKBONE if config.model.backbone else config.model.name


def _output_channels(config: Config, head: Head) -> dict:
    """{stride: channels}, of a network with outputs in parts those of each part."""
    in_parts = not config.model.cfg and _zoo_name(config) in zoo.IN_PARTS
    channels = head.output_parts if in_parts else head.output_channels
    return {stride: channels(stride) for stride in head.strides}


def _check_input_size(config: Config, strides, where: str = "config.input_size") -> None:
    name, step = _zoo_name(config), max(strides)
    if not config.model.cfg:
        step = zoo.INPUT_STEPS.get(name, step)
        only = zoo.FIXED_INPUTS.get(name, config.input_size)
        if tuple(config.input_size) != tuple(only):
            raise UserError(
                f"{where}: found {tuple(config.input_size)}, expected {only}, the only"
                f" size that {name} takes"
            )
    extra = "" if step == max(strides) else " before its extra levels"
    check_multiple(config.input_size, step, f"the largest stride of {name}{extra},", where)
