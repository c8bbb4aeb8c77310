import colorsys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from yolo_tf.data.augment.colour import change_hsv, hsv_jitter


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
    image = tf.reshape(tf.constant(pixels, tf.float32), (2, 3, 3))
    changed = change_hsv(image, tf.constant(turn, tf.float32), saturation, exposure)
    expected = [by_definition(p, turn, saturation, exposure) for p in pixels]
    # Pixels so dark that their hue is rounding noise may differ by as little as they shine.
    np.testing.assert_allclose(tf.reshape(changed, (6, 3)), expected, atol=1e-5)


def test_without_hue_shift():
    image = tf.random.stateless_uniform((4, 5, 3), (1, 2))
    changed = change_hsv(image, None, 1.5, 0.8)
    np.testing.assert_allclose(changed, change_hsv(image, tf.constant(0.0), 1.5, 0.8), atol=1e-6)


def test_grey_has_no_hue_and_stays_grey():
    grey = tf.fill([2, 2, 3], 0.5)
    np.testing.assert_allclose(
        change_hsv(grey, tf.constant(0.2), 3.0, 1.2), tf.fill([2, 2, 3], 0.6)
    )


def jittered(seed, **settings_):
    image = tf.constant([[[0.4, 0.3, 0.2]]])
    example = {"image": image, "seed": tf.constant(seed, tf.int32)}
    return hsv_jitter(example, **settings_)["image"][0, 0].numpy()


def test_switched_off_changes_nothing():
    np.testing.assert_allclose(
        jittered((1, 2), hue=0.0, saturation=1.0, exposure=1.0), [0.4, 0.3, 0.2], atol=1e-6
    )


@pytest.mark.parametrize(("setting", "component"), [("hue", 0), ("saturation", 1), ("exposure", 2)])
def test_each_setting_changes_its_own_component_within_its_range(setting, component):
    limits = {"hue": 0.0, "saturation": 1.0, "exposure": 1.0}
    limits[setting] = 0.05 if setting == "hue" else 1.5
    before = np.array(colorsys.rgb_to_hsv(0.4, 0.3, 0.2))
    after = np.array([colorsys.rgb_to_hsv(*jittered((9, i), **limits)) for i in range(100)])
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


def test_same_seed_same_result():
    np.testing.assert_array_equal(jittered((1, 2)), jittered((1, 2)))
    assert np.any(jittered((1, 2)) != jittered((1, 3)))
