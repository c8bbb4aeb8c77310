import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from yolo_tf.data.augment.geometry import crop_jitter, flip, keep_visible

SIZE = (96, 128)
PHOTOS = st.tuples(st.integers(20, 160), st.integers(20, 160))
SEEDS = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))


def example(photo_size, box=None, seed=(0, 0), boxes=None):
    """A black photo with one white filled rectangle, `box` in whole pixels (yxyx)."""
    image = np.zeros((*photo_size, 3), np.uint8)
    if boxes is None:
        top, left, bottom, right = box
        image[top:bottom, left:right] = 255
        boxes = [np.array(box) / np.tile(photo_size, 2)]
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    n = len(boxes)
    return {
        "image": tf.constant(image),
        "boxes": tf.constant(boxes),
        "classes": tf.range(n),
        "difficult": tf.zeros([n], tf.bool),
        "crowd": tf.zeros([n], tf.bool),
        "area": tf.range(n, dtype=tf.float32),
        "seed": tf.constant(seed, tf.int32),
    }


def white_rectangle(image):
    """Bounding box, pixels, of what is more white than the grey of the margin; None if nothing."""
    rows, columns = np.nonzero(np.min(image, axis=-1) > 0.75)
    if not len(rows):
        return None
    return np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])


@st.composite
def scenes(draw):
    height, width = size = draw(PHOTOS)
    top, left = draw(st.integers(0, height - 8)), draw(st.integers(0, width - 8))
    box = (top, left, draw(st.integers(top + 8, height)), draw(st.integers(left + 8, width)))
    return example(size, box, draw(SEEDS))


@settings(max_examples=60, deadline=None)
@given(scenes(), st.sampled_from([0.0, 0.2, 0.4]), st.sampled_from([1.0, 1.4]), st.booleans())
def test_the_crop_takes_the_box_along(scene, jitter, zoom, letterbox):
    out = crop_jitter(scene, SIZE, jitter=jitter, zoom=zoom, letterbox=letterbox, min_size=4)
    assert out["image"].shape == (*SIZE, 3)
    assert len(out["boxes"]) + int(out["cut"]) == 1
    assume(len(out["boxes"]) == 1)
    # Interpolation blurs the border by about one pixel of the photo, as large as the zoom.
    photo = np.array(scene["image"].shape[:2])
    window = out["window"].numpy()
    scale = (window[2:] - window[:2]) * SIZE / photo
    found = white_rectangle(out["image"].numpy())
    assert found is not None
    difference = np.abs(found - out["boxes"][0].numpy() * np.tile(SIZE, 2))
    assert np.all(difference <= np.maximum(2.0, np.tile(scale, 2)) + 1e-3), difference


@settings(max_examples=30, deadline=None)
@given(scenes(), st.sampled_from([(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.5)]))
def test_the_mirror_takes_the_box_along(scene, probabilities):
    out = flip(scene, *probabilities)
    photo_size = scene["image"].shape[:2]
    found = white_rectangle(out["image"].numpy() / 255)
    np.testing.assert_allclose(found, out["boxes"][0] * np.tile(photo_size, 2), atol=1e-3)


def test_mirrors_by_hand():
    scene = example((10, 20), (1, 2, 4, 8))
    for probabilities, expected in (
        ((0, 0), (1, 2, 4, 8)),
        ((1, 0), (1, 12, 4, 18)),
        ((0, 1), (6, 2, 9, 8)),
        ((1, 1), (6, 12, 9, 18)),
    ):
        boxes = flip(scene, *probabilities)["boxes"][0] * [10, 20, 10, 20]
        np.testing.assert_allclose(boxes, expected, atol=1e-5)


def test_mirror_happens_as_often_as_asked():
    scene = example((4, 4), (0, 0, 4, 2))
    mirrored = [
        float(flip({**scene, "seed": tf.constant([7, i])}, 0.25)["boxes"][0, 1]) == 0.5
        for i in range(200)
    ]
    assert 25 <= sum(mirrored) <= 75


def test_nothing_switched_on_is_a_plain_resize():
    scene = example((48, 64), (10, 10, 30, 40))
    out = crop_jitter(scene, (48, 64), jitter=0.0, zoom=1.0)
    np.testing.assert_allclose(out["image"], scene["image"] / 255, atol=1e-6)
    np.testing.assert_allclose(out["boxes"], scene["boxes"], atol=1e-6)
    np.testing.assert_allclose(out["window"], [0, 0, 1, 1])


@pytest.mark.parametrize("letterbox", [False, True])
def test_crop_geometry_stays_in_its_ranges(letterbox):
    scene = example((100, 200), (0, 0, 100, 200))
    heights, widths = [], []
    for i in range(100):
        seeded = {**scene, "seed": tf.constant([3, i])}
        out = crop_jitter(seeded, (64, 64), jitter=0.2, zoom=1.25, letterbox=letterbox)
        window = out["window"].numpy()
        heights.append(1 / (window[2] - window[0]))
        widths.append(1 / (window[3] - window[1]))
    # The crop, as a share of the photo: 1 - 2 * jitter - ... to 1 + 2 * jitter + ...
    tallest = 2.0 if letterbox else 1.0
    assert 0.4 - 0.03 <= min(widths) < 0.75
    assert 1.35 < max(widths) <= 1.65
    assert tallest - 0.6 - 0.03 <= min(heights)
    assert max(heights) <= tallest + 0.65
    assert np.mean(heights) == pytest.approx(tallest, abs=0.12)


def test_violent_settings_never_leave_the_photo():
    scene = example((30, 20), (0, 0, 30, 20))
    for i in range(60):
        seeded = {**scene, "seed": tf.constant([5, i])}
        out = crop_jitter(seeded, (32, 32), jitter=0.45, zoom=4.0, min_area=0.0, min_size=0.0)
        assert np.all(np.isfinite(out["image"]))
        assert len(out["boxes"]) == 1


def test_one_visible_rule_for_boxes():
    boxes = [
        [0.2, 0.2, 0.6, 0.6],  # inside
        [-0.5, 0.0, 0.5, 0.5],  # half of it left
        [-0.9, 0.0, 0.1, 0.5],  # a tenth left
        [-0.95, 0.0, 0.05, 0.5],  # a twentieth left
        [0.5, 0.5, 0.51, 0.9],  # one pixel high
        [1.1, 0.1, 1.4, 0.3],  # outside
    ]
    scene = example((10, 10), boxes=boxes)
    out = keep_visible(scene, (100, 100), min_area=0.09, min_size=2.0)
    np.testing.assert_array_equal(out["classes"], [0, 1, 2])
    np.testing.assert_array_equal(out["area"], [0, 1, 2])
    np.testing.assert_allclose(out["boxes"][1], [0, 0, 0.5, 0.5])
    assert int(out["cut"]) == 3
    assert int(keep_visible(out, (100, 100), 0.0, 51.0)["cut"]) == 6  # counts go on


def test_images_without_boxes():
    scene = example((20, 30), boxes=[])
    out = crop_jitter(flip(scene, 1.0, 1.0), SIZE, jitter=0.3, zoom=1.5)
    assert out["boxes"].shape == (0, 4)
    assert int(out["cut"]) == 0


def test_same_seed_same_result():
    scene = example((40, 50), (5, 5, 30, 30))

    def run(seed):
        return crop_jitter(flip({**scene, "seed": tf.constant(seed)}), SIZE, jitter=0.3)["image"]

    np.testing.assert_array_equal(run([1, 2]), run([1, 2]))
    assert np.any(run([1, 2]) != run([1, 3]))
    assert np.any(run([1, 2]) != run([2, 2]))
