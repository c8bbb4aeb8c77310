"""Fields of a cfg that have no effect here, for a list that the user sees."""

from yolo_tf.darknet.cfg import Cfg, Section

_CONVOLUTION = (
    "filters size stride stride_x stride_y pad padding dilation groups batch_normalize cbn"
    " activation dontload dontloadscales"
)
_USED = {
    "net": (
        "width height channels batch max_batches learning_rate learning_rate_min momentum decay"
        " adam B1 policy burn_in power steps scales step scale gamma sgdr_cycle saturation"
        " exposure hue flip letter_box mosaic mixup resize_step"
    ),
    "convolutional": _CONVOLUTION,
    "maxpool": "size stride stride_x stride_y padding",
    "route": "layers groups group_id",
    "avgpool": "",
    "shortcut": "from activation",
    "scale_channels": "from scale_wh activation",
    "sam": "from activation",
    "upsample": "stride",
    "dropout": "probability",
    "reorg": "stride",
    "reorg3d": "stride",
    "yolo": (
        "mask anchors classes num max jitter resize random ignore_thresh iou_thresh iou_loss"
        " iou_normalizer obj_normalizer cls_normalizer scale_x_y new_coords objectness_smooth"
        " label_smooth_eps max_delta beta_nms"
    ),
    "Gaussian_yolo": (
        "mask anchors classes num max jitter resize random ignore_thresh iou_thresh iou_loss"
        " iou_normalizer uc_normalizer obj_normalizer cls_normalizer scale_x_y label_smooth_eps"
        " max_delta beta_nms yolo_point"
    ),
    "region": (
        "anchors classes coords num max jitter random softmax thresh coord_scale noobject_scale"
        " class_scale"
    ),
}
_YOLO_NEUTRAL = {"truth_thresh": 1, "focal_loss": 0, "delta_normalizer": 1}
_YOLO_NEUTRAL["iou_thresh_kind"] = "iou"
# Values that switch a field off, and those that say what we do anyway.
_NEUTRAL = {
    "net": {"angle": 0, "mosaic_bound": 1, "cutmix": 0, "ema_alpha": 0, "subdivisions": 1},
    "shortcut": {"weights_type": "none", "weights_normalization": "none"},
    "upsample": {"scale": 1},
    "dropout": {"dropblock": 0},
    "yolo": _YOLO_NEUTRAL,
    "Gaussian_yolo": _YOLO_NEUTRAL,
    "region": {"bias_match": 1, "rescore": 0, "absolute": 0, "object_scale": 1},
}
_NMS_KINDS = ("default", "diounms")  # beta_nms has a meaning for the second alone
_ANY_LAYER = {
    "stopbackward": 0,
    "onlyforward": 0,
    "train_only_bn": 0,
    "clip": 0,
    "learning_rate": 1,
}


def unused_fields(cfg: Cfg) -> list[str]:
    """ "[yolo] random=1 (lines 640, 702) is not used" and the like, a line each."""
    lines: dict[tuple[str, str, str], list[int]] = {}
    for section in (cfg.net, *cfg.layers):
        for key in _unused(section):
            value = section.values[key]
            lines.setdefault((section.kind, key, value), []).append(section.lines.get(key, 0))
    return [
        f"[{kind}] {key}={value} ({_places(numbers)}) is not used"
        for (kind, key, value), numbers in lines.items()
    ]


def _unused(section: Section) -> list[str]:
    used = _USED[section.kind].split()
    neutral = _NEUTRAL.get(section.kind, {}) | (_ANY_LAYER if section.kind != "net" else {})
    return [
        key
        for key, value in section.values.items()
        if key not in used
        and not (key in neutral and _same(value, neutral[key]))
        and not (key == "nms_kind" and value in _NMS_KINDS)
    ]


def _same(text: str, value) -> bool:
    if isinstance(value, str):
        return text == value
    try:
        return float(text) == value
    except ValueError:
        return False


def _places(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
    return f"lines {', '.join(map(str, numbers[:3]))}{more}"
