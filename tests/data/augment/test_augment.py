import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment import augment_photo, check_augment
from yolo_tf.errors import UserError

OFF = AugmentConfig(flip=0, jitter=0, resize=1, hue=0, saturation=1, exposure=1)


def example(seed=(0, 0)):
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    return {
        "image": tf.constant(image),
        "boxes": tf.constant([[0.25, 0.25, 0.75, 0.75]]),
        "classes": tf.constant([0]),
        "difficult": tf.constant([False]),
        "crowd": tf.constant([False]),
        "area": tf.constant([1.0]),
        "seed": tf.constant(seed),
    }


def test_all_off_is_the_photo_itself():
    out = augment_photo(example(), OFF, (40, 60))
    np.testing.assert_allclose(out["image"], example()["image"] / 255, atol=1e-6)
    np.testing.assert_allclose(out["boxes"], example()["boxes"])


def test_the_defaults_give_images_in_range():
    for i in range(10):
        out = augment_photo(example((1, i)), AugmentConfig(flip_vertical=0.5, resize=1.5), (64, 32))
        assert out["image"].shape == (64, 32, 3)
        assert out["image"].dtype == tf.float32
        assert float(tf.reduce_min(out["image"])) >= -1e-6
        assert float(tf.reduce_max(out["image"])) <= 1 + 1e-6


def test_switching_colour_off_leaves_the_geometry():
    with_colour = augment_photo(example((4, 2)), AugmentConfig(), (32, 32))
    without = dataclasses.replace(AugmentConfig(), hue=0, saturation=1, exposure=1)
    np.testing.assert_array_equal(
        augment_photo(example((4, 2)), without, (32, 32))["boxes"], with_colour["boxes"]
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("flip", 1.5), ("jitter", 0.5), ("resize", 0), ("hue", -0.1), ("saturation", 0.5),
     ("exposure", float("nan")), ("min_area", 2), ("min_size", -1)],
)  # fmt: skip
def test_a_setting_out_of_range_is_named(name, value):
    with pytest.raises(UserError, match=rf"data\.augment\.{name} is .*expected"):
        check_augment(dataclasses.replace(AugmentConfig(), **{name: value}))


def test_the_defaults_are_in_range():
    check_augment(AugmentConfig())
