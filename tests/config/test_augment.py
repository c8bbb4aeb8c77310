import dataclasses

import pytest

from yolo_tf.config import AugmentConfig
from yolo_tf.config.check import check_part
from yolo_tf.errors import UserError


def check(config):
    check_part(config, "config.data.augment")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flip", 1.5), ("jitter", 0.5), ("resize", 0), ("hue", -0.1), ("saturation", 0.5),
        ("exposure", float("nan")), ("min_area", 2), ("min_size", -1), ("scale", 5),
        ("translate", 0.6), ("rotate", 181), ("shear", -1), ("perspective", 0.6), ("mosaic", 2),
        ("mosaic_center", 0.6), ("mixup", -0.1), ("erase", 1.1), ("erase_area", 0.01),
        ("max_aspect", 0.5), ("sizes_every", 0),
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_named(name, value):
    with pytest.raises(UserError, match=rf"^config\.data\.augment\.{name}: found .*, expected "):
        check(dataclasses.replace(AugmentConfig(), **{name: value}))


@pytest.mark.parametrize("value", [(0.5,), (1.0, 0.5), (0.0, 1.0), (0.5, 3.0)])
def test_sizes_of_images_in_a_mosaic(value):
    with pytest.raises(UserError, match=r"mosaic_scale.*: found .*, expected "):
        check(AugmentConfig(mosaic_scale=value))


def test_other_mistakes():
    with pytest.raises(
        UserError, match=r"mosaic_manner: found 'yolo', expected one of darknet, scaled"
    ):
        check(AugmentConfig(mosaic_manner="yolo"))
    with pytest.raises(UserError, match=r"found 33 sizes, expected at most 32"):
        check(AugmentConfig(sizes=tuple(range(32, 65))))


def test_the_defaults_are_in_range():
    check(AugmentConfig())
