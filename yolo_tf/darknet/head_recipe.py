"""What [yolo], [Gaussian_yolo] and [region] sections say, as settings of a head, and back.

See algorithms.md 6.4.
"""

from yolo_tf.config import AssignConfig, DarknetLossConfig, GaussianLossConfig, YoloHeadConfig
from yolo_tf.darknet.cfg import Section
from yolo_tf.darknet.layer import Output

_FLOAT_MAX = 3.4028234e38
_BOX_ERRORS = ("mse", "iou", "giou", "diou", "ciou")
# Field of the loss -> key of a [yolo] section and its default.
_YOLO = {
    "box_normalizer": ("iou_normalizer", 0.75),
    "class_normalizer": ("cls_normalizer", 1.0),
    "objectness_normalizer": ("obj_normalizer", 1.0),
    "ignore_threshold": ("ignore_thresh", 0.5),
    "objectness_smooth": ("objectness_smooth", 0.0),
    "label_smoothing": ("label_smooth_eps", 0.0),
    "max_delta": ("max_delta", _FLOAT_MAX),
}
_GAUSSIAN = {name: key for name, key in _YOLO.items() if name != "objectness_smooth"}
_GAUSSIAN["uncertainty_normalizer"] = ("uc_normalizer", 1.0)
_REGION = {
    "box_normalizer": ("coord_scale", 1.0),
    "class_normalizer": ("class_scale", 1.0),
    "objectness_normalizer": ("noobject_scale", 1.0),
    "ignore_threshold": ("thresh", 0.5),
}
_LOSS_KEYS = {"yolo": _YOLO, "Gaussian_yolo": _GAUSSIAN, "region": _REGION}


def head_config(levels: list[Output]) -> YoloHeadConfig:
    """The head of a cfg.

    Raises:
      UserError: the levels are not of one kind, or an iou_loss is not known.
    """
    first = levels[0]
    for level in levels[1:]:
        if level.section.kind != first.section.kind:
            raise level.section.error(
                f"expected one kind of level, line {first.section.line} has [{first.section.kind}]"
            )
        if level.new_coords != first.new_coords:
            raise level.section.error("expected the same in all levels", "new_coords")
        if _iou_loss(level.section) != _iou_loss(first.section):
            raise level.section.error("expected the same in all levels", "iou_loss")
    kind, codec, loss_config = first.section.kind, "exp", DarknetLossConfig
    if kind == "Gaussian_yolo":
        codec, loss_config = "gaussian", GaussianLossConfig
    elif first.new_coords:
        codec = "scaled"
    losses = {level.stride: _loss_fields(level.section) for level in levels}
    base = losses[first.stride]
    softmax = kind == "region" and first.section.integer("softmax", 0)
    return YoloHeadConfig(
        anchors={level.stride: level.anchors for level in levels},
        scale_xy={level.stride: level.section.number("scale_x_y", 1.0) for level in levels},
        codec=codec,
        class_activation="softmax" if softmax else "sigmoid",
        assign=_assign(first.section),
        loss=loss_config(**base),
        loss_by_stride={
            stride: changes
            for stride, loss in losses.items()
            if (changes := {key: value for key, value in loss.items() if value != base[key]})
        },
    )


def _loss_fields(section: Section) -> dict:
    keys = _LOSS_KEYS[section.kind].items()
    fields = {name: section.number(key, default) for name, (key, default) in keys}
    return {"iou_type": _iou_loss(section), **fields}


def _iou_loss(section: Section) -> str:
    name = section.text("iou_loss", "mse")
    if name not in _BOX_ERRORS:
        raise section.error(f"expected one of {', '.join(_BOX_ERRORS)}", "iou_loss")
    return name


def _assign(section: Section) -> AssignConfig:
    """One anchor a box, or all within `iou_thresh`; Darknet's and not the thresholds of losses."""
    threshold = section.number("iou_thresh", 1.0)
    if threshold >= 1:
        return AssignConfig(policy="best")
    return AssignConfig(policy="threshold", threshold=max(threshold, 1e-6))


def anchor_remarks(levels: list[Output]) -> list[str]:
    """Where a mask takes anchors that `num` does not count."""
    return [
        f"[{section.kind}] num={section.text('num', '1')} (section in line {section.line}) is not"
        f" used: mask={section.text('mask')} takes more of the anchors"
        for section in (level.section for level in levels)
        if max(section.integers("mask", (0,))) >= section.integer("num", 1)
    ]


def assignment_remarks(levels: list[Output]) -> list[str]:
    """Where levels ask for other assignments than the first, which holds for all."""
    first = levels[0].section
    return [
        f"[yolo] iou_thresh={level.section.text('iou_thresh', '1')} (section in line"
        f" {level.section.line}) is not used: that of line {first.line} holds for all levels"
        for level in levels[1:]
        if _assign(level.section) != _assign(first)
    ]


def section_kind(head: YoloHeadConfig) -> str:
    """Name of the sections that `yolo_fields` are for."""
    return "Gaussian_yolo" if head.codec == "gaussian" else "yolo"


def yolo_fields(head: YoloHeadConfig, num_classes: int) -> dict[int, dict[str, str]]:
    """The section of each level: stride -> key -> value. What `head_config` reads.

    Of a loss that Darknet has not, nothing is written: what the network finds is the same.
    """
    strides = sorted(head.anchors)
    anchors = [anchor for stride in strides for anchor in head.anchors[stride]]
    fields, start = {}, 0
    for stride in strides:
        count = len(head.anchors[stride])
        fields[stride] = {
            "mask": ",".join(map(str, range(start, start + count))),
            "anchors": ", ".join(f"{side:g}" for anchor in anchors for side in anchor),
            "classes": str(num_classes),
            "num": str(len(anchors)),
            "scale_x_y": f"{head.scale_xy.get(stride, 1.0):g}",
            **(_training_fields(head, stride) if isinstance(head.loss, DarknetLossConfig) else {}),
            **({"new_coords": "1"} if head.codec == "scaled" else {}),
        }
        start += count
    return fields


def _training_fields(head: YoloHeadConfig, stride: int) -> dict[str, str]:
    loss = {**vars(head.loss), **head.loss_by_stride.get(stride, {})}
    return {
        "iou_thresh": f"{_iou_thresh(head.assign):g}",
        "iou_loss": loss["iou_type"],
        **{key: f"{loss[name]:g}" for name, (key, _) in _LOSS_KEYS[section_kind(head)].items()},
        "truth_thresh": "1",
    }


def _iou_thresh(assign: AssignConfig) -> float:
    by_iou = assign.policy == "threshold" and assign.extra_matches and assign.threshold < 1
    return assign.threshold if by_iou else 1.0
