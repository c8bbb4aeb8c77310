import colorsys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.augment import scene
from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.colour import change_hsv, hsv_jitter, is_coloured


def by_definition(pixel, turn, saturation, exposure):
    hue, sat, value = colorsys.rgb_to_hsv(*(float(c) for c in pixel))
    return colorsys.hsv_to_rgb(
        (hue + turn) % 1.0, min(1.0, sat * saturation), min(1.0, value * exposure)
    )


CHANNEL = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1, width=32))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(CHANNEL, CHANNEL, CHANNEL), min_size=6, max_size=6),
    st.one_of(st.sampled_from([-0.5, -1 / 6, 0.0, 1 / 6, 1 / 3, 0.5]), st.floats(-0.5, 0.5)),
    st.floats(0.2, 5),
    st.floats(0.2, 5),
)
def test_equals_the_way_through_hsv(pixels, turn, saturation, exposure):
    images = tf.reshape(tf.constant(pixels, tf.float32), (1, 2, 3, 3))
    changed = change_hsv(
        images, *(tf.constant([v], tf.float32) for v in (turn, saturation, exposure))
    )
    expected = [by_definition(p, turn, saturation, exposure) for p in pixels]
    # Pixels so dark that their hue is rounding noise may differ by as little as they shine.
    np.testing.assert_allclose(tf.reshape(changed, (6, 3)), expected, atol=1e-5)


def test_without_hue_shift():
    images = tf.random.stateless_uniform((2, 4, 5, 3), (1, 2))
    factors = tf.constant([1.5, 1.2]), tf.constant([0.8, 1.0])
    changed = change_hsv(images, None, *factors)
    np.testing.assert_allclose(changed, change_hsv(images, tf.zeros([2]), *factors), atol=1e-6)


def test_grey_has_no_hue_and_stays_grey():
    grey = tf.fill([1, 2, 2, 3], 0.5)
    changed = change_hsv(grey, tf.constant([0.2]), tf.constant([3.0]), tf.constant([1.2]))
    np.testing.assert_allclose(changed, tf.fill([1, 2, 2, 3], 0.6), atol=1e-6)


def jittered(count, hue=0.0, saturation=1.0, exposure=1.0):
    """[count, 3] the pixel (0.4, 0.3, 0.2) with so many random changes."""
    images = tf.tile(tf.constant([[[[0.4, 0.3, 0.2]]]]), [count, 1, 1, 1])
    config = AugmentConfig(hue=hue, saturation=saturation, exposure=exposure)
    assert is_coloured(config) == ((hue, saturation, exposure) != (0, 1, 1))
    return hsv_jitter(images, {"draws": scene.draws(count)}, config)[:, 0, 0].numpy()


def test_switched_off_changes_nothing():
    np.testing.assert_allclose(jittered(3), [[0.4, 0.3, 0.2]] * 3, atol=1e-6)


@pytest.mark.parametrize(("setting", "component"), [("hue", 0), ("saturation", 1), ("exposure", 2)])
def test_each_setting_changes_its_own_component_within_its_range(setting, component):
    limits = {"hue": 0.0, "saturation": 1.0, "exposure": 1.0}
    limits[setting] = 0.05 if setting == "hue" else 1.5
    before = np.array(colorsys.rgb_to_hsv(0.4, 0.3, 0.2))
    after = np.array([colorsys.rgb_to_hsv(*pixel) for pixel in jittered(100, **limits)])
    others = [i for i in range(3) if i != component]
    np.testing.assert_allclose(after[:, others], np.tile(before[others], (100, 1)), atol=1e-4)
    if setting == "hue":
        shift = after[:, 0] - before[0]
        assert -0.0501 <= shift.min() < -0.03
        assert 0.03 < shift.max() <= 0.0501
    else:
        factor = after[:, component] / before[component]
        assert 1 / 1.5 - 1e-4 <= factor.min() < 0.72
        assert 1.4 < factor.max() <= 1.5 + 1e-4
        assert 30 <= np.sum(factor > 1) <= 70
