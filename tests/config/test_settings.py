"""What the fields of the settings say of themselves."""

import dataclasses
import re

import pytest

import yolo_tf.config
from yolo_tf.cli.recipe import check_override, get_value, set_value
from yolo_tf.config import Config, SimotaConfig, YoloxHeadConfig
from yolo_tf.config.check import check_config, check_multiple
from yolo_tf.config.recipes import find_recipe, load_recipe, recipe_names
from yolo_tf.errors import UserError

CLASSES = [value for value in vars(yolo_tf.config).values() if dataclasses.is_dataclass(value)]


def test_the_twenty_settings_that_open_the_page_are_there():
    table = re.findall(r"^  ([a-z_.]+(?:, [a-z_.]+)*)(?:  |$| [a-z])", yolo_tf.config.__doc__, re.M)
    names = []
    for row in table:
        for name in row.split(", "):
            prefix = names[-1].rpartition(".")[0] if name.startswith(".") else ""
            names.append(prefix + name)
    assert 20 <= len(names) <= 26
    for name in names:
        check_override(Config(), name)


def fields():
    return [(cls, field) for cls in CLASSES for field in dataclasses.fields(cls)]


def test_parity_settings_come_last_and_no_recipe_sets_them():
    parity = {(cls, f.name) for cls, f in fields() if f.metadata.get("parity")}
    assert len(parity) >= 12
    for cls in CLASSES:
        flags = [(cls, field.name) in parity for field in dataclasses.fields(cls)]
        own = [flag for flag in flags if flag] or [False]
        if not issubclass(cls, yolo_tf.config.DarknetLossConfig):  # others inherit in the middle
            assert flags[len(flags) - len(own) :] == own, cls
    for name in recipe_names().split(", "):
        _check_defaults(load_recipe(find_recipe(name)), parity, name)


def _check_defaults(part, parity, where):
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if dataclasses.is_dataclass(value):
            _check_defaults(value, parity, f"{where}.{field.name}")
        elif (type(part), field.name) in parity:
            assert value == field.default, f"{where}.{field.name}"


def test_a_default_has_its_own_range_and_choices():
    for cls, field in fields():
        choices, limits = field.metadata.get("choices"), field.metadata.get("limits")
        assert not choices or field.default in choices, (cls, field.name)
        if limits and isinstance(field.default, (int, float)):
            assert limits.low <= field.default <= limits.high, (cls, field.name)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("nms.beta", 0.0, "config.nms.beta: found 0.0, expected more than 0"),
        ("train.seed", -1, "config.train.seed: found -1, expected at least 0 and at most"),
        ("data.cache", "ram", "config.data.cache: found 'ram', expected one of none, memory"),
        ("head.assign.conflicts", "none", "config.head.assign.conflicts: found 'none', expected"),
    ],
)
def test_one_checker_names_what_is_wrong(name, value, message):
    config = Config(head=YoloxHeadConfig(assign=SimotaConfig()))
    check_config(config)
    assert get_value(config, name) != value
    set_value(config, name, value)
    with pytest.raises(UserError, match=message):
        check_config(config)


def test_a_multiple_of_the_stride():
    check_multiple((64, 96), 32, "the stride")
    message = (
        "config.input_size: width 100 is not a multiple of the stride 16; the nearest: 96 and 112"
    )
    with pytest.raises(UserError, match=message):
        check_multiple((64, 100), 16, "the stride")
