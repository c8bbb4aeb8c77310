"""Configs as files, and the check of their values."""

import dataclasses
import importlib.util
from pathlib import Path

import pytest

from tests.small import small_config
from yolo_tf.cli.recipe import get_value, set_value
from yolo_tf.config import NmsConfig, to_dict
from yolo_tf.config.check import check_config
from yolo_tf.config.yaml_files import read_config, write_config
from yolo_tf.errors import UserError, unknown_name

RECIPES = sorted((Path(__file__).resolve().parents[2] / "configs").glob("*.py"))


def load_recipe(path):
    spec = importlib.util.spec_from_file_location("recipe", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.get_config()


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_comes_back_equal(path, tmp_path):
    config = load_recipe(path)
    check_config(config)
    write_config(config, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml") == config
    assert [p.name for p in tmp_path.iterdir()] == ["config.yaml"]  # no temporary file is left


def test_changed_values_come_back(tmp_path):
    config = small_config("a*,b*")
    config.data.val = "väl*"
    config.head.loss_by_stride = {16: {"box_normalizer": 0.5}}
    config.train.schedule.steps_at = ()
    write_config(config, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml") == config


def test_to_dict_names_the_types():
    values = to_dict(small_config())
    assert values["type"] == "Config"
    assert values["head"]["loss"]["type"] == "DarknetLossConfig"
    assert values["input_size"] == [64, 96]


def edited(tmp_path, old, new):
    path = tmp_path / "config.yaml"
    write_config(small_config("records/x-train*"), path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs: 2", "epochs: ten", "config.train.epochs: found 'ten', expected a whole number"),
        ("epochs: 2", "epochs: -1", "config.train.epochs: found -1, expected at least 0"),
        ("epochs: 2", "epoch: 2", "config.train: unknown name 'epoch'; did you mean 'epochs'?"),
        ("epochs: 2", "epochs: [2]", "config.train.epochs: found (2,), expected a whole number"),
        ("epochs: 2", "3: 2", "config.train: unknown name 3; expected one of epochs, updates"),
        ("type: Config", "type: Conf", "config.type: 'Conf' is not a class of yolo_tf.config"),
        ("type: ModelConfig", "type: Path", "type: 'Path' is not a class of yolo_tf.config"),
        ("resize: stretch", "resize: 3", "config.data.resize: found 3, expected text"),
        ("flip: 0.5", "flip: 50%", "config.data.augment.flip: found '50%', expected a finite"),
        ("[64, 96]", "[64]", "config.input_size: found (64,), expected 2 values"),
        ("[64, 96]", "64", "config.input_size: found 64, expected a list of values"),
        ("[64, 96]", "[64, wide]", "config.input_size[1]: found 'wide', expected a whole number"),
        ("learning_rate: 0.001", "learning_rate: .inf", "learning_rate: found inf, expected a fin"),
        ("epochs: 2", "epochs: [2", "not readable as YAML"),
        ("type: Config", "!!python/object/apply:os.system ['true']", "not readable as YAML"),
    ],
)
def test_a_file_edited_wrongly(tmp_path, old, new, message):
    path = edited(tmp_path, old, new)
    with pytest.raises(UserError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "just text", "[1, 2]", "{}", "type: NmsConfig"])
def test_a_file_that_is_no_config(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match="expected type: Config at the top"):
        read_config(path)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml: not found"):
        read_config(tmp_path / "none.yaml")
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not readable as UTF-8 text"):
        read_config(tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("train.epochs", True, "found True, expected a whole number"),
        ("train.epochs", 2.0, "found 2.0, expected a whole number"),
        ("train.batch_size", 0, "found 0, expected at least 1"),
        ("train.seed", -1, "found -1, expected at least 0 and at most 4294967295"),
        ("train.patience", -1, "found -1, expected at least 0"),
        ("train.tensorboard", 1, "found 1, expected true or false"),
        ("train.optimizer", None, "found None, expected OptimizerConfig"),
        ("train.optimizer.learning_rate", 0, "found 0, expected more than 0"),
        ("train.optimizer.learning_rate", float("nan"), "found nan, expected a finite number"),
        ("train.optimizer.momentum", 1.5, "found 1.5, expected at least 0 and at most 1"),
        ("train.optimizer.clip_norm", -1.0, "found -1.0, expected at least 0"),
        ("train.schedule.steps_at", (0.5, 8), "[1]: found 8, expected at least 0 and at most 1"),
        ("model", NmsConfig(), "found NmsConfig, expected ModelConfig"),
        ("model.bn_momentum", 9, "found 9, expected at least 0 and at most 1"),
        ("nms.max_detections", 0, "found 0, expected at least 1"),
        ("data.max_boxes", 0, "found 0, expected at least 1"),
        ("data.augment.off_epochs", -1, "found -1, expected at least 0"),
        ("head.anchors", {16: ((8, -8),)}, "[16][0][1]: found -8, expected more than 0"),
        ("head.anchors", {"16": ((8, 8),)}, "its key '16': found '16', expected a whole number"),
        ("head.anchors", {16: ((8,),)}, "[16][0]: found (8,), expected 2 values"),
        ("head.anchors", ((8, 8),), "found ((8, 8),), expected key: value pairs"),
        ("head.scale_xy", {16: 0.5}, "[16]: found 0.5, expected at least 1"),
        ("head.loss.label_smoothing", 2, "found 2, expected at least 0 and at most 1"),
        ("head.loss_by_stride", {16: {"max_delta": "x"}}, "[16][max_delta]: found 'x', expected"),
        ("head.loss_by_stride", {16: {"label_smoothing": 2.0}}, "[16].label_smoothing: found 2.0"),
        ("head.loss", None, "found None, expected DarknetLossConfig"),
    ],
)
def test_a_value_that_does_not_fit(name, value, message):
    config = small_config()
    set_value(config, name, value)
    with pytest.raises(UserError) as caught:
        check_config(config)
    assert str(caught.value).startswith(f"config.{name}")
    assert message in str(caught.value)


def test_values_that_fit():
    config = small_config()
    config.input_size = [64, 96]  # a list, as people write it
    config.train.optimizer.learning_rate = 1  # a whole number for a float
    config.train.optimizer.clip_norm = 0.0
    config.head.anchors = {16: [[8, 8.5]], 32: ((1, 2),)}
    check_config(config)


def test_a_head_of_our_users_is_left_to_them():
    @dataclasses.dataclass
    class OwnHead:
        gain: float = 1.0

    config = small_config()
    config.head = OwnHead()
    check_config(config)
    config.head.gain = "much"
    with pytest.raises(UserError, match=r"config.head.gain: found 'much'"):
        check_config(config)


def test_unknown_name_lists_all_where_none_is_near():
    assert unknown_name("zzz", ["epochs", "seed"]).endswith("expected one of epochs, seed")


def test_get_and_set_value():
    config = small_config()
    set_value(config, "head.loss.iou_type", "giou")
    assert config.head.loss.iou_type == get_value(config, "head.loss.iou_type") == "giou"
