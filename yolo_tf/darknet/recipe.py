"""What a cfg says about training, as a recipe (algorithms.md 6.4, 6.5).

Where Darknet counts in updates the recipe counts in shares of the training, so that it can be
made shorter: `max_batches` is its length, unless another one is given.
"""

import dataclasses
from pathlib import Path

from yolo_tf.config import AugmentConfig, Config, NmsConfig, OptimizerConfig, ScheduleConfig
from yolo_tf.darknet.cfg import Cfg, Section, cfg_text, read_cfg
from yolo_tf.darknet.head_recipe import anchor_remarks, assignment_remarks, head_config
from yolo_tf.darknet.layer import Output
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.darknet.unused import unused_fields

# `darknet detector map` and `test` score and suppress with these.
_SCORE_THRESHOLD, _NMS_IOU = 0.005, 0.45
_MIXED = 0.5  # probability of a mosaic or mixup where the cfg asks for it
_RANDOM, _RESIZE_STEP = 1.4, 32  # greatest factor of random=1; pixels


def apply_cfg(config: Config, path, input_size: tuple[int, int] | None = None) -> list[str]:
    """Sets in a recipe all that a cfg file speaks of: network, head and training.

    Args:
      config: changed in place; the rest stays as it is.
      path: the cfg file.
      input_size: (height, width) in place of the file's.

    Returns:
      Remarks for the user: what of the file has no use here, and why.

    Raises:
      UserError: names file, line, section, key and value of what is not supported.
    """
    cfg = read_cfg(path)
    levels = outputs(plan(cfg))
    config.model.cfg, config.model.name = str(path), Path(path).stem
    config.input_size = input_size or (cfg.net.integer("height"), cfg.net.integer("width"))
    config.head = head_config(levels)
    config.nms.score_threshold, config.nms.iou_threshold = _SCORE_THRESHOLD, _NMS_IOU
    last = levels[-1].section  # Darknet's loader looks at the last layer
    config.data.resize = "letterbox" if cfg.net.integer("letter_box", 0) else "stretch"
    config.data.max_boxes = max(last.integer("max", 200), 1)
    config.data.augment = _augment(cfg.net, last)
    config.data.augment.sizes = _sizes(config.input_size, cfg.net, last)
    config.train.optimizer = _optimizer(cfg.net)
    config.train.schedule, remarks = _schedule(cfg.net)
    remarks += _length(config, cfg.net) + _overlap_rule(config.nms, levels)
    remarks += cfg.remarks + anchor_remarks(levels)
    return remarks + assignment_remarks(levels) + unused_fields(cfg)


def net_fields(config: Config) -> dict[str, object]:
    """Of a recipe the fields of [net] that mean the same in Darknet."""
    fields, optimizer = {"batch": config.train.batch_size}, config.train.optimizer
    if optimizer.name == "sgd":  # the numbers of another one mean other things
        fields["learning_rate"] = f"{optimizer.learning_rate:g}"
        fields["momentum"] = f"{optimizer.momentum:g}"
        fields["decay"] = f"{optimizer.weight_decay:g}"
    return fields | ({"letter_box": 1} if config.data.resize == "letterbox" else {})


def nms_fields(nms: NmsConfig) -> dict[str, object]:
    """Of the suppression the fields of [yolo] that mean the same in Darknet."""
    return {"nms_kind": "diounms", "beta_nms": f"{nms.beta:g}"} if nms.kind == "diou" else {}


def _overlap_rule(nms: NmsConfig, levels: list[Output]) -> list[str]:
    """DIoU-NMS where the last level asks for it by its name, `diounms`.

    `greedynms` is the same in Darknet, with a beta of 0.6 (algorithms.md 10.22). Here it
    means what it says, as in OpenCV; docs/darknet.md has the figures of both.
    """
    *others, last = [level.section for level in levels]
    if _beta(last) is not None:
        nms.kind, nms.beta = "diou", _beta(last)
    return [
        f"[yolo] nms_kind={section.text('nms_kind', 'default')} (section in line {section.line})"
        f" is not used: that of line {last.line} holds for all levels"
        for section in others
        if _beta(section) != _beta(last)
    ]


def _beta(section: Section) -> float | None:
    if section.text("nms_kind", "default") != "diounms":
        return None
    beta = section.number("beta_nms", 0.6)
    if beta <= 0:
        raise section.error("expected more than 0", "beta_nms")
    return beta


def _length(config: Config, net: Section) -> list[str]:
    """Batch size and number of updates."""
    batch, updates = net.integer("batch", 1), net.integer("max_batches", 0)
    if updates > 0:
        config.train.epochs, config.train.updates = 0, updates
    if batch > 1:
        config.train.batch_size = batch
        return []
    size = config.train.batch_size
    return [f"[net] batch={batch}, as for testing: config.train.batch_size stays {size}"]


def _optimizer(net: Section) -> OptimizerConfig:
    adam = bool(net.integer("adam", 0))
    return OptimizerConfig(
        name="adam" if adam else "sgd",
        learning_rate=net.number("learning_rate", 0.001),
        momentum=net.number("B1" if adam else "momentum", 0.9),
        weight_decay=net.number("decay", 0.0001),
        clip_norm=0.0,  # Darknet does not clip
    )


def _schedule(net: Section) -> tuple[ScheduleConfig, list[str]]:
    """The learning rate's curve (algorithms.md 6.5)."""
    policy, length = net.text("policy", "constant"), net.integer("max_batches", 0)
    schedule = ScheduleConfig(name="constant", warmup_epochs=0.0, power=net.number("power", 4.0))
    schedule.warmup_updates = max(net.integer("burn_in", 0), 0)
    schedule.warmup_power = net.number("power", 4.0)
    remarks = []
    if policy not in ("constant", *_POLICIES):
        remarks.append(f"[net] policy={policy} is not supported: the learning rate stays constant")
    elif policy in _POLICIES and length <= 0:
        remarks.append(
            f"[net] policy={policy} needs max_batches: without, the learning rate stays constant"
        )
    elif policy in _POLICIES:
        _POLICIES[policy](schedule, net, length)
    return schedule, remarks


def _steps(schedule: ScheduleConfig, net: Section, length: int) -> None:
    at, factors = net.numbers("steps", ()), net.numbers("scales", ())
    if len(at) != len(factors):
        raise net.error(f"{len(at)} steps and {len(factors)} scales; expected as many", "steps")
    _set_steps(schedule, [(s / length, f) for s, f in zip(at, factors, strict=True)])


def _equal_steps(schedule: ScheduleConfig, net: Section, length: int) -> None:
    size, factor = net.integer("step", 1), net.number("scale", 1.0)
    if size < 1 or length / size > 1000:
        raise net.error(f"expected 1 or more, and at most 1000 steps in {length} updates", "step")
    _set_steps(schedule, [(s / length, factor) for s in range(size, length, size)])


def _set_steps(schedule: ScheduleConfig, steps: list[tuple[float, float]]) -> None:
    schedule.name = "steps"
    reached = [(max(at, 0.0), factor) for at, factor in steps if at <= 1]
    schedule.steps_at = tuple(at for at, _ in reached)
    schedule.step_factors = tuple(factor for _, factor in reached)


def _polynomial(schedule: ScheduleConfig, net: Section, length: int) -> None:
    del net, length
    schedule.name = "polynomial"


def _exponential(schedule: ScheduleConfig, net: Section, length: int) -> None:
    schedule.name = "exponential"
    schedule.final_fraction = min(max(net.number("gamma", 1.0), 0.0) ** length, 1.0)


def _cosine(schedule: ScheduleConfig, net: Section, length: int) -> None:
    """One cycle; Darknet restarts where `sgdr_cycle` is shorter than the training."""
    cycle = net.integer("sgdr_cycle", length)
    if cycle < length:
        raise net.error(f"restarts are not supported, expected max_batches={length}", "sgdr_cycle")
    rate = net.number("learning_rate", 0.001)
    schedule.name = "cosine"
    least = net.number("learning_rate_min", 1e-5)
    schedule.final_fraction = min(least / rate, 1.0) if rate > 0 else 1.0


# [net] policy -> how it sets the schedule
_POLICIES = {
    "steps": _steps,
    "step": _equal_steps,
    "poly": _polynomial,
    "exp": _exponential,
    "sgdr": _cosine,
}


def _augment(net: Section, level: Section) -> AugmentConfig:
    mosaic = bool(net.integer("mosaic", 0))  # which leaves no room for mixup
    return AugmentConfig(
        mosaic=_MIXED if mosaic else 0.0,
        mixup=_MIXED if net.integer("mixup", 0) and not mosaic else 0.0,
        flip=0.5 if net.integer("flip", 1) else 0.0,
        jitter=level.number("jitter", 0.2),
        resize=_factor(level, "resize"),
        hue=abs(net.number("hue", 0.0)),
        saturation=_factor(net, "saturation"),
        exposure=_factor(net, "exposure"),
    )


def _sizes(size: tuple[int, int], net: Section, level: Section) -> tuple[int, ...]:
    """The heights that `random` stands for (algorithms.md 6.7).

    `size` times a factor of 1/f .. f, rounded in steps of `resize_step`, plus one step. Of them
    those that keep the aspect.
    """
    most, step = level.number("random", 0.0), net.integer("resize_step", _RESIZE_STEP)
    if most <= 0 or min(size) < 1:
        return ()
    if step < 1:
        raise net.error("expected 1 or more", "resize_step")
    most = _RANDOM if most == 1 else max(most, 1 / most)
    height, width = size
    least, greatest = (round(f * height / step + 1) * step for f in (1 / most, most))
    heights = range(least, greatest + 1, step)
    return tuple(h for h in heights if h * width % (height * step) == 0)


def _factor(section: Section, key: str) -> float:
    """A greatest factor; Darknet takes 0.5 for 2, and 0 for no change."""
    value = abs(section.number(key, 1.0)) or 1.0
    return max(value, 1 / value)


def fitted_cfg_text(config: Config, num_classes: int) -> str:
    """The text of `config.model.cfg` for the classes and the input size of its recipe."""
    return cfg_text(fitted(read_cfg(config.model.cfg), config.input_size, num_classes))


def fitted(cfg: Cfg, input_size: tuple[int, int], num_classes: int) -> Cfg:
    """A copy: other [net] width and height, other classes and filters of the outputs."""
    levels = outputs(plan(cfg))
    height, width = input_size
    layers = list(cfg.layers)
    for level in levels:
        filters = (level.box_channels + num_classes) * len(level.anchors)
        layers[level.layer] = _with(layers[level.layer], classes=num_classes)
        layers[level.layer - 1] = _with(layers[level.layer - 1], filters=filters)
    return Cfg(cfg.name, _with(cfg.net, width=width, height=height), layers)


def _with(section: Section, **values) -> Section:
    texts = {key: str(value) for key, value in values.items()}
    return dataclasses.replace(section, values=section.values | texts)
