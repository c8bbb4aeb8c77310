"""The check of every value of a config: its type, and the range or the choices at its field."""

import dataclasses
import sys
import types
import typing

from yolo_tf.config import AugmentConfig, Config
from yolo_tf.errors import UserError, check_choice

# Fields whose dataclass chooses the implementation: `build` knows which it has.
_VARIANTS = ("head", "loss")

_LARGEST = sys.float_info.max
_MAX_SIZES = 32  # of multi-scale training: each is a program of its own


def check_config(config: Config) -> None:
    """Makes sure that every value has the type of its field in `yolo_tf.config` and its range.

    Raises:
      UserError: for the first that has not: its name, what was found and what is expected.
    """
    check_part(config, "config")


def check_settings(part, kind: type, where: str) -> None:
    """`check_config` of one dataclass of a config, which must be of the type `kind`."""
    if not isinstance(part, kind):
        raise UserError(f"{where}: found {type(part).__name__}, expected a {kind.__name__}")
    check_part(part, where)


def check_part(part, where: str) -> None:
    """As `check_config`, of one of its dataclasses; `where` is its name, such as "config.data"."""
    kinds = typing.get_type_hints(type(part))
    for field in dataclasses.fields(part):
        name, value = f"{where}.{field.name}", getattr(part, field.name)
        if field.name in _VARIANTS and dataclasses.is_dataclass(value):
            check_part(value, name)
        else:
            _check_value(value, kinds[field.name], name, field.metadata.get("limits"))
    check_choices(part, where)
    if isinstance(part, AugmentConfig):
        _check_augment(part, where)
    for stride, changes in getattr(part, "loss_by_stride", {}).items():
        # Names that the loss has not are the head's to refuse.
        known = {name: value for name, value in changes.items() if hasattr(part.loss, name)}
        changed = dataclasses.replace(part.loss, **known)
        check_part(changed, f"{where}.loss_by_stride[{stride}]")


def check_choices(part, where: str) -> None:
    """Raises a `UserError` for the first text of a dataclass that is none of its choices."""
    for field in dataclasses.fields(part):
        name, value = f"{where}.{field.name}", getattr(part, field.name)
        if dataclasses.is_dataclass(value):
            check_choices(value, name)
        elif field.metadata.get("choices"):
            check_choice(name, value, field.metadata["choices"])


def _check_value(value, kind, where: str, limits) -> None:
    """`kind` is a type hint made of dataclasses, dict, tuple, union, bool, int, float and str."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        fitting = [k for k in inner if isinstance(value, typing.get_origin(k) or k)]
        kind, origin = (fitting or inner)[0], typing.get_origin((fitting or inner)[0])
        inner = typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(value, kind):
        check_part(value, where)
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
    if limits and not limits.low <= value <= limits.high:
        raise _unfit(where, value, str(limits))


def _check_augment(config: AugmentConfig, where: str) -> None:
    """What no single value shows."""
    low, high = config.mosaic_scale
    if low > high:
        expected = "the least and the greatest size of an image"
        raise _unfit(f"{where}.mosaic_scale", config.mosaic_scale, expected)
    if len(config.sizes) > _MAX_SIZES:
        raise UserError(
            f"{where}.sizes: found {len(config.sizes)} sizes, expected at most {_MAX_SIZES}"
        )


def check_multiple(size, step: int, what: str, where: str = "config.input_size") -> None:
    """Makes sure that a size (height, width) is a multiple of a step, for what it is.

    Raises:
      UserError: the first side that is not, with the nearest that are.
    """
    for side, pixels in zip(("height", "width"), size, strict=True):
        if pixels < step or pixels % step:
            below = max(pixels // step, 1) * step
            nearest = f"{below} and {below + step}" if pixels > step else f"{step}"
            raise UserError(
                f"{where}: {side} {pixels} is not a multiple of {what} {step}; the nearest:"
                f" {nearest}"
            )


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
