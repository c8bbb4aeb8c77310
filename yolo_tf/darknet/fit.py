"""A cfg changed to the class count and the input size of a recipe."""

import dataclasses

from yolo_tf.config import Config
from yolo_tf.darknet.cfg import Cfg, Section, cfg_text, read_cfg
from yolo_tf.darknet.plan import outputs, plan


def fitted_cfg_text(config: Config, num_classes: int) -> str:
    """The text of `config.model.cfg` for the classes and the input size of its recipe."""
    return cfg_text(fitted(read_cfg(config.model.cfg), config.input_size, num_classes))


def fitted(cfg: Cfg, input_size: tuple[int, int], num_classes: int) -> Cfg:
    """A copy: other [net] width and height, other classes and filters of the outputs."""
    levels = outputs(plan(cfg))
    height, width = input_size
    layers = list(cfg.layers)
    for level in levels:
        filters = (5 + num_classes) * len(level.anchors)
        layers[level.layer] = _with(layers[level.layer], classes=num_classes)
        layers[level.layer - 1] = _with(layers[level.layer - 1], filters=filters)
    return Cfg(cfg.name, _with(cfg.net, width=width, height=height), layers)


def _with(section: Section, **values) -> Section:
    texts = {key: str(value) for key, value in values.items()}
    return dataclasses.replace(section, values=section.values | texts)
