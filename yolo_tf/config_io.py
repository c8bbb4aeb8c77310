"""Configs as YAML files and back, and the check of every value's type and range."""

import dataclasses
import difflib
import math
import os
import types
import typing
from pathlib import Path

import yaml

from yolo_tf import config as config_module
from yolo_tf.config import Config, to_dict
from yolo_tf.errors import UserError

# Fields whose dataclass chooses the implementation: `build` knows which it has.
_VARIANTS = ("head", "loss")

# dataclass -> field -> least and greatest value; of a tuple or dict, of each value in it.
_MORE, _ONE, _SHARE = (0, math.inf), (1, math.inf), (0, 1)
_ABOVE_0 = (math.ulp(0.0), math.inf)
_RANGES = {
    "Config": {"input_size": _ONE},
    "ModelConfig": {"num_classes": _MORE, "bn_momentum": _SHARE, "bn_epsilon": _ABOVE_0},
    "AssignConfig": {"threshold": _ABOVE_0},
    "DarknetLossConfig": {
        **dict.fromkeys(("box_normalizer", "class_normalizer", "objectness_normalizer"), _MORE),
        **dict.fromkeys(("ignore_threshold", "objectness_smooth", "label_smoothing"), _SHARE),
        "max_delta": _ABOVE_0,
    },
    "YoloHeadConfig": {"anchors": _ABOVE_0, "scale_xy": _ONE},
    "NmsConfig": {
        **dict.fromkeys(("score_threshold", "iou_threshold"), _SHARE),
        **dict.fromkeys(("max_detections", "pre_nms_top_k"), _ONE),
    },
    "DataConfig": {"max_boxes": _ONE, "shuffle_buffer": _ONE},
    "AugmentConfig": {"off_epochs": _MORE},  # its other ranges: data.augment.check_augment
    "OptimizerConfig": {
        "learning_rate": _ABOVE_0,
        "momentum": _SHARE,
        "weight_decay": _MORE,
        "clip_norm": _MORE,
    },
    "ScheduleConfig": {
        "warmup_epochs": _MORE,
        "final_fraction": _SHARE,
        "steps_at": _SHARE,
        "step_factor": _SHARE,
    },
    "TrainConfig": {
        **dict.fromkeys(("epochs", "batch_size", "evaluate_every"), _ONE),
        "seed": (0, 2**32 - 1),
        "patience": _MORE,
    },
}


def write_config(config: Config, path: Path) -> None:
    """Writes every value of a config; the file is never half written."""
    text = yaml.safe_dump(to_dict(config), sort_keys=False, default_flow_style=None, width=100)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def read_config(path: Path) -> Config:
    """The config that `write_config` wrote.

    Raises:
      UserError: the file is missing, is not such a file, or has a name that we do not know.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: not found; expected the config.yaml of a run folder") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise UserError(f"{path}: not readable as YAML: {str(error).splitlines()[0]}") from None
    config = _from_dict(values, f"{path}: config")
    if not isinstance(config, Config):
        raise UserError(f"{path}: found {type(config).__name__}, expected type: Config at the top")
    try:
        check_config(config)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return config


def check_config(config: Config) -> None:
    """Makes sure that every value has the type of its field in `yolo_tf.config` and its range.

    Raises:
      UserError: for the first that has not: its name, what was found and what is expected.
    """
    _check_fields(config, "config")


def _check_fields(part, where: str) -> None:
    kinds = typing.get_type_hints(type(part))
    ranges = _RANGES.get(type(part).__name__, {})
    for field in dataclasses.fields(part):
        name, value = f"{where}.{field.name}", getattr(part, field.name)
        if field.name in _VARIANTS and dataclasses.is_dataclass(value):
            _check_fields(value, name)
        else:
            _check_value(value, kinds[field.name], name, ranges.get(field.name))


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
    if not fits or not math.isfinite(value):
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


def _from_dict(value, where: str):
    """Dicts that name their type -> dataclasses, lists -> tuples, the rest as it is."""
    if isinstance(value, dict) and "type" in value:
        cls = getattr(config_module, str(value["type"]), None)
        if not dataclasses.is_dataclass(cls):
            raise UserError(f"{where}.type: {value['type']!r} is not a class of yolo_tf.config")
        known = {f.name: f for f in dataclasses.fields(cls)}
        fields = {}
        for name, item in value.items():
            if name == "type":
                continue
            if name not in known:
                raise UserError(f"{where}: {unknown_name(name, known)}")
            fields[name] = _from_dict(item, f"{where}.{name}")
        return cls(**fields)
    if isinstance(value, dict):
        return {key: _from_dict(item, f"{where}[{key}]") for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_from_dict(item, where) for item in value)
    return value


def unknown_name(name: str, known) -> str:
    """Message for a name that is not one of `known`, with the nearest right one."""
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
    return f"unknown name {name!r}; {hint}"
