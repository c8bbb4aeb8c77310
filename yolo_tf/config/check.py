"""The check of every value of a config: its type and its range."""

import dataclasses
import math
import sys
import types
import typing

from yolo_tf.config import Config
from yolo_tf.errors import UserError
from yolo_tf.text_files import MAX_CLASSES

# Fields whose dataclass chooses the implementation: `build` knows which it has.
_VARIANTS = ("head", "loss")

_LARGEST = sys.float_info.max
# dataclass -> field -> least and greatest value; of a tuple or dict, of each value in it.
_MORE, _ONE, _SHARE = (0, math.inf), (1, math.inf), (0, 1)
# Of what memory or the length of a graph grows with, far beyond what any model has.
_SIDE = (1, 8192)  # pixels; of an input from a cfg file too (darknet.plan)
_BOXES, _BATCH = (1, 100_000), (1, 65_536)
_ABOVE_0 = (math.ulp(0.0), math.inf)
_DARKNET_LOSS = {
    **dict.fromkeys(("box_normalizer", "class_normalizer", "objectness_normalizer"), _MORE),
    **dict.fromkeys(("ignore_threshold", "objectness_smooth", "label_smoothing"), _SHARE),
    "max_delta": _ABOVE_0,
}
_RANGES = {
    "Config": {"input_size": _SIDE},
    "ModelConfig": {
        "num_classes": (0, MAX_CLASSES),
        "backbone_layers": _MORE,
        "neck_width": _ONE,
        "bn_momentum": _SHARE,
        "bn_epsilon": _ABOVE_0,
    },
    "AssignConfig": {"threshold": _ABOVE_0},
    "DarknetLossConfig": _DARKNET_LOSS,
    "GaussianLossConfig": {**_DARKNET_LOSS, "uncertainty_normalizer": _MORE},
    "ScaledLossConfig": {
        **dict.fromkeys(("box_normalizer", "class_normalizer", "objectness_normalizer"), _MORE),
        **dict.fromkeys(("ignore_threshold", "objectness_smooth", "label_smoothing"), _SHARE),
    },
    "SquaredLossConfig": {"ignore_threshold": _SHARE},
    "FocalGiouLossConfig": {
        **dict.fromkeys(("ignore_threshold", "label_smoothing"), _SHARE),
        "focal_exponent": _MORE,
    },
    "YoloHeadConfig": {"anchors": _ABOVE_0, "scale_xy": _ONE},
    "SsdHeadConfig": {
        **dict.fromkeys(("aspect_ratios", "scales", "steps", "variances"), _ABOVE_0),
        "positive_iou": (math.ulp(0.0), 1),
        "neutral_iou": (math.ulp(0.0), 1),
        "negative_ratio": _ONE,
        **dict.fromkeys(("min_negatives", "box_weight"), _MORE),
    },
    "SimotaConfig": {"center_radius": _ABOVE_0, "k_factor": _ABOVE_0, "top_candidates": _BOXES},
    "YoloxHeadConfig": {
        "strides": _SIDE,
        **dict.fromkeys(("box_weight", "objectness_weight", "class_weight", "l1_weight"), _MORE),
    },
    "TalAssignConfig": {
        "top_k": _ONE,
        "beta": _ABOVE_0,
        **dict.fromkeys(("alpha", "min_side"), _MORE),
    },
    "TalHeadConfig": {
        **dict.fromkeys(("strides", "bins"), _ONE),
        **dict.fromkeys(("class_weight", "box_weight", "dfl_weight", "static_epochs"), _MORE),
    },
    "NmsConfig": {
        **dict.fromkeys(("score_threshold", "iou_threshold", "soft_cut"), _SHARE),
        **dict.fromkeys(("beta", "soft_sigma"), _ABOVE_0),
        **dict.fromkeys(("max_detections", "pre_nms_top_k"), _BOXES),
    },
    "DataConfig": {"max_boxes": _BOXES, "shuffle_buffer": _ONE},
    # Its other ranges: data.augment.check_augment.
    "AugmentConfig": {"off_epochs": _MORE, "sizes": _SIDE},
    "StrategyConfig": {"cpu_devices": (1, 1024)},
    "OptimizerConfig": {
        "learning_rate": _ABOVE_0,
        "momentum": _SHARE,
        "weight_decay": _MORE,
        "clip_norm": _MORE,
    },
    "ScheduleConfig": {
        **dict.fromkeys(("warmup_epochs", "warmup_updates", "step_factors", "power"), _MORE),
        "warmup_power": _ABOVE_0,
        **dict.fromkeys(("final_fraction", "flat"), _SHARE),
        "steps_at": _SHARE,
    },
    "TrainConfig": {
        **dict.fromkeys(("epochs", "updates"), _MORE),
        "batch_size": _BATCH,
        "evaluate_every": _ONE,
        "seed": (0, 2**32 - 1),
        "patience": _MORE,
    },
}


def check_config(config: Config) -> None:
    """Makes sure that every value has the type of its field in `yolo_tf.config` and its range.

    Raises:
      UserError: for the first that has not: its name, what was found and what is expected.
    """
    _check_fields(config, "config")


def check_settings(part, kind: type, where: str) -> None:
    """`check_config` of one dataclass of a config, which must be of the type `kind`."""
    if not isinstance(part, kind):
        raise UserError(f"{where}: found {type(part).__name__}, expected a {kind.__name__}")
    _check_fields(part, where)


def _check_fields(part, where: str) -> None:
    kinds = typing.get_type_hints(type(part))
    ranges = _RANGES.get(type(part).__name__, {})
    for field in dataclasses.fields(part):
        name, value = f"{where}.{field.name}", getattr(part, field.name)
        if field.name in _VARIANTS and dataclasses.is_dataclass(value):
            _check_fields(value, name)
        else:
            _check_value(value, kinds[field.name], name, ranges.get(field.name))
    for stride, changes in getattr(part, "loss_by_stride", {}).items():
        # Names that the loss has not are the head's to refuse.
        known = {name: value for name, value in changes.items() if hasattr(part.loss, name)}
        changed = dataclasses.replace(part.loss, **known)
        _check_fields(changed, f"{where}.loss_by_stride[{stride}]")


def _check_value(value, kind, where: str, limits) -> None:
    """`kind` is a type hint made of dataclasses, dict, tuple, union, bool, int, float and str."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        fitting = [k for k in inner if isinstance(value, typing.get_origin(k) or k)]
        kind, origin = (fitting or inner)[0], typing.get_origin((fitting or inner)[0])
        inner = typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(value, kind):
        _check_fields(value, where)
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            _check_value(key, inner[0], f"{where}: its key {key!r}", None)
            _check_value(item, inner[1], f"{where}[{key}]", limits)
    elif origin is tuple and isinstance(value, (tuple, list)):
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) != len(value):
            raise _unfit(where, value, f"{len(kinds)} values")
        for index, (item, item_kind) in enumerate(zip(value, kinds, strict=True)):
            _check_value(item, item_kind, f"{where}[{index}]", limits)
    elif kind in (int, float):
        _check_number(value, kind, where, limits)
    elif not isinstance(value, origin or kind):
        raise _unfit(where, value, _type_name(kind))


def _check_number(value, kind, where, limits) -> None:
    # True is an int to Python, and 3 is good enough for a float.
    fits = isinstance(value, (int, float) if kind is float else int) and not isinstance(value, bool)
    if not fits or not -_LARGEST <= value <= _LARGEST:  # false for NaN too
        raise _unfit(where, value, "a finite number" if kind is float else "a whole number")
    low, high = limits or (-math.inf, math.inf)
    if not low <= value <= high:
        least = "more than 0" if low == _ABOVE_0[0] else f"at least {low}"
        raise _unfit(where, value, least + (f" and at most {high}" if high != math.inf else ""))


def _unfit(where: str, value, expected: str) -> UserError:
    found = type(value).__name__ if dataclasses.is_dataclass(value) else f"{value!r:.80}"
    return UserError(f"{where}: found {found}, expected {expected}")


def _type_name(kind) -> str:
    names = {
        str: "text",
        bool: "true or false",
        tuple: "a list of values",
        dict: "key: value pairs",
    }
    kind = typing.get_origin(kind) or kind
    return names.get(kind) or getattr(kind, "__name__", str(kind))
