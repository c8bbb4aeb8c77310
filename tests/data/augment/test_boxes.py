import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.augment import scene
from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment import boxes

SIZE = (100, 200)


def keeps(clipped, whole, **rule):
    return bool(
        boxes.visible(tf.constant(clipped), tf.constant(whole), SIZE, AugmentConfig(**rule))
    )


@pytest.mark.parametrize(
    ("whole", "rule", "expected"),
    [
        ([0.2, 0.2, 0.6, 0.6], {}, True),
        ([-0.5, 0.0, 0.5, 0.5], {"min_area": 0.49}, True),  # half of it is left
        ([-0.5, 0.0, 0.5, 0.5], {"min_area": 0.51}, False),
        ([0.5, 0.5, 0.519, 0.9], {"min_size": 2}, False),  # 1.9 pixels high
        ([0.5, 0.5, 0.521, 0.9], {"min_size": 2}, True),
        ([1.1, 0.1, 1.4, 0.3], {"min_area": 0, "min_size": 0}, False),  # out of sight
        ([0.0, 0.0, 0.04, 1.0], {"max_aspect": 20}, True),  # 50 : 1, but not cut
        ([-0.01, 0.0, 0.04, 1.0], {"max_aspect": 20}, False),  # the same, cut
        ([-0.01, 0.0, 0.04, 1.0], {"max_aspect": 60}, True),
    ],
)
def test_the_rule_for_cut_boxes(whole, rule, expected):
    assert keeps(np.clip(whole, 0, 1).astype(np.float32), np.float32(whole), **rule) == expected


CORNERS = st.lists(st.floats(-1, 2, width=32), min_size=4, max_size=4)


@settings(max_examples=60, deadline=None)
@given(CORNERS, st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.sampled_from([0.0, 2.0, 10.0]))
def test_what_stays_obeys_the_rule_and_what_is_whole_and_large_stays(corners, share, side):
    a, b, c, d = corners
    whole = np.float32([min(a, c), min(b, d), max(a, c), max(b, d)])
    clipped = np.clip(whole, 0, 1)
    kept = keeps(clipped, whole, min_area=share, min_size=side)
    pixels = (clipped[2:] - clipped[:2]) * SIZE
    left, area = np.prod(clipped[2:] - clipped[:2]), np.prod(whole[2:] - whole[:2])
    if kept:
        assert np.min(pixels) >= side - 1e-3
        assert left > 0
        assert left >= share * area - 1e-5
    elif np.array_equal(whole, clipped):
        assert np.min(pixels) <= side + 1e-3


def test_boxes_go_where_the_window_says():
    batch = scene.batch([[[0.0, 0.5, 1.0, 1.0], [0] * 4]])
    batch |= {"placement": tf.constant([[0.25, -1.0, 0.75, 1.0]])}
    placed = boxes.place(batch)
    np.testing.assert_allclose(placed["whole"][0], [[0.25, 0, 0.75, 1], [0] * 4])
    batch["placement"] -= 0.5
    placed = boxes.place(batch)
    np.testing.assert_allclose(placed["whole"][0, 0], [-0.25, -0.5, 0.25, 0.5])
    np.testing.assert_allclose(placed["boxes"][0, 0], [0, 0, 0.25, 0.5])


@pytest.mark.parametrize("rows", [2, 3, 7])
def test_rows_keep_their_order_and_everything_of_theirs(rows):
    some = [[0.1 * i, 0.1, 0.1 * i + 0.1, 0.2] for i in range(4)]
    batch = scene.batch([[*some, [0] * 4], [[0] * 4] * 5])
    batch.pop("whole")
    kept = boxes.keep_rows(batch, tf.constant([[True, False, True, True, True], [True] * 5]), rows)
    expected = ([0, 2, 3] + [-1] * rows)[:rows]
    assert kept["classes"].numpy().tolist() == [expected, [-1] * rows]
    assert kept["cut"].numpy().tolist() == [1, 0]
    assert kept["dropped"].numpy().tolist() == [max(0, 3 - rows), 0]
    for label, box, area in zip(expected, kept["boxes"][0], kept["area"][0], strict=True):
        assert float(area) == (label + 10 if label >= 0 else 0)
        np.testing.assert_array_equal(box, np.float32(some[label]) if label >= 0 else [0] * 4)


def test_area():
    found = boxes.box_area(tf.constant([[0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 0.2, 1.0]]))
    np.testing.assert_allclose(found, [0.25, 0])
