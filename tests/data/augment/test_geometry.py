import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.augment import scene
from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment import geometry
from yolo_tf.ops import resize


def rectangle(sides, seed, config, size=(64, 64), letterbox=False, zoom=1.0):
    draws = {"draws": scene.draws(1, seed)[0]}
    found = geometry.crop_rectangle(
        tf.constant(sides), draws, config, tf.constant(size), letterbox, zoom
    )
    return [value.numpy() for value in found]


def test_nothing_switched_on_is_the_resize_of_evaluation():
    still = AugmentConfig(jitter=0)
    for sides, letterbox in (((90, 150), False), ((90, 150), True), ((150, 91), True)):
        photo = tf.constant(np.random.default_rng(0).integers(0, 256, (*sides, 3)), tf.uint8)
        start, extent = rectangle(sides, 1, still, (48, 64), letterbox)
        part = photo[: sides[0], : sides[1]]
        image, window = geometry.draw_crop(
            part, tf.constant(sides), start, extent, tf.constant((48, 64))
        )
        method = resize.letterbox if letterbox else resize.stretch
        _, expected = method(photo, (48, 64))
        np.testing.assert_allclose(
            window * [48, 64, 48, 64], expected * [48, 64, 48, 64], atol=1.01
        )
        assert image.shape == (48, 64, 3)


@pytest.mark.parametrize("letterbox", [False, True])
def test_extents_stay_in_their_ranges(letterbox):
    config = AugmentConfig(jitter=0.2, resize=1.25)
    found = np.array([rectangle((100, 200), n, config, letterbox=letterbox)[1] for n in range(150)])
    heights, widths = found[:, 0] / 100, found[:, 1] / 200
    # 1 -+ 2 * jitter, and from 1.25 to 1 / 1.25 for all sides; the letterbox adds half the width.
    assert 0.4 - 0.03 <= widths.min() < 0.75
    assert 1.35 < widths.max() <= 1.65 + 0.01
    tallest = 2.0 if letterbox else 1.0
    assert tallest - 0.63 <= heights.min()
    assert heights.max() <= tallest + 0.66
    assert np.mean(heights) == pytest.approx(tallest, abs=0.12)


def test_zoom_and_shift():
    config = AugmentConfig(jitter=0, scale=2, translate=0.1)
    for number in range(50):
        start, extent = rectangle((200, 200), number, config)
        assert 98 <= extent[0] <= 402
        assert abs(extent[0] - extent[1]) <= 2
        shift = (start + extent / 2 - 100) / extent
        assert np.all(np.abs(shift) <= 0.1 + 2 / extent)
    smaller = rectangle((200, 200), 0, AugmentConfig(jitter=0, mosaic=1), zoom=0.5)
    assert smaller[1].tolist() == [400, 400]


SIDE = st.integers(1, 60)


@settings(max_examples=60, deadline=None)
@given(st.tuples(SIDE, SIDE), st.tuples(SIDE, SIDE), st.integers(0, 1000), st.booleans())
def test_violent_settings_never_leave_the_image(sides, size, seed, letterbox):
    config = AugmentConfig(jitter=0.45, resize=4, scale=4, translate=0.5)
    start, extent = rectangle(sides, seed, config, size, letterbox)
    low, high = (v.numpy() for v in geometry.visible_part(tf.constant(sides), start, extent))
    assert np.all((low >= 0) & (low < high) & (high <= sides)), (low, high, sides)
    part = tf.zeros([*(high - low), 3], tf.uint8)
    image, window = geometry.draw_crop(part, tf.constant(sides), start, extent, tf.constant(size))
    assert image.shape == (*size, 3)
    assert np.all(np.isfinite(window))
    assert np.all(window[2:] > window[:2])
