import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from yolo_tf.data.records.statistics import boxes_to_input, image_placement
from yolo_tf.errors import UserError
from yolo_tf.ops import resize

SIDE = st.integers(1, 60)


@pytest.mark.parametrize("method", resize.RESIZES)
@settings(max_examples=40, deadline=None)
@given(st.tuples(SIDE, SIDE), st.tuples(SIDE, SIDE))
def test_is_the_placement_of_the_resize(method, photo, size):
    _, expected = resize.RESIZES[method](tf.zeros([*photo, 3]), size)
    np.testing.assert_array_equal(image_placement(photo, size, method), expected)


def test_boxes_go_where_the_pipeline_puts_them():
    placement = image_placement((30, 60), (64, 64), "letterbox")
    boxes = np.random.default_rng(0).uniform(0, 1, (20, 4)).astype(np.float32)
    expected = resize.boxes_to_input(tf.constant(boxes), tf.constant(placement))
    np.testing.assert_allclose(boxes_to_input(boxes, placement), expected, atol=1e-6)


def test_an_unknown_resize():
    with pytest.raises(UserError, match=r"config\.data\.resize: found 'crop'"):
        image_placement((1, 1), (1, 1), "crop")
