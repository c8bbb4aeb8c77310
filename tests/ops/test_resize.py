import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from yolo_tf.ops.resize import boxes_to_image, boxes_to_input, letterbox, resize, stretch

SIZES = st.tuples(st.integers(1, 90), st.integers(1, 90))


def photo(height, width, dtype=np.uint8):
    image = np.random.default_rng(height * 100 + width).integers(0, 256, (height, width, 3))
    return image.astype(np.uint8) if dtype == np.uint8 else (image / 255).astype(dtype)


def test_resize_aligns_the_corners():
    row = tf.constant([0.0, 10.0, 20.0])[tf.newaxis, :, tf.newaxis]
    np.testing.assert_allclose(resize(row, (1, 5))[0, :, 0], [0, 5, 10, 15, 20], atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(SIZES, SIZES)
def test_letterbox_keeps_aspect_and_shows_the_image_in_its_window(image_size, size):
    image, placement = letterbox(tf.constant(photo(*image_size)), size)
    assert image.shape == (*size, 3)
    corners = placement.numpy() * np.tile(size, 2)
    top, left, bottom, right = np.round(corners).astype(int)
    np.testing.assert_allclose(corners, np.round(corners), atol=1e-4)

    inner = (bottom - top, right - left)
    assert inner[0] == size[0] or inner[1] == size[1]
    scale = min(size[0] / image_size[0], size[1] / image_size[1])
    for side, length in zip(inner, image_size, strict=True):
        assert max(1, length * scale - 1) - 1e-6 <= side <= max(1, length * scale) + 1e-6
    assert (top, left) == ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2)

    expected, _ = stretch(tf.constant(photo(*image_size)), inner)
    np.testing.assert_allclose(image[top:bottom, left:right], expected, atol=1e-6)
    outside = np.ones(size, bool)
    outside[top:bottom, left:right] = False
    assert np.all(image.numpy()[outside] == 0.5)


@settings(max_examples=25, deadline=None)
@given(SIZES, SIZES, st.integers(0, 2**31))
def test_window_to_image_inverts_window_to_input(image_size, size, seed):
    _, placement = letterbox(tf.constant(photo(*image_size)), size)
    corners = np.sort(np.random.default_rng(seed).random((7, 2, 2)), axis=1)
    boxes = corners.reshape(7, 4).astype(np.float32)
    inside = boxes_to_input(boxes, placement)
    assert np.all(inside[:, :2] >= placement[:2] - 1e-6)
    assert np.all(inside[:, 2:] <= placement[2:] + 1e-6)
    # Float error grows with the share of the input that the bars take.
    np.testing.assert_allclose(boxes_to_image(inside, placement), boxes, atol=2e-5)


def test_padding_rows_stay_zero():
    boxes = tf.constant([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    placement = tf.constant([0.25, 0.0, 0.75, 1.0])
    np.testing.assert_allclose(boxes_to_input(boxes, placement), [[0.25, 0, 0.75, 1], [0] * 4])
    np.testing.assert_allclose(boxes_to_image(boxes, placement), [[-0.5, 0, 1.5, 1], [0] * 4])


@pytest.mark.parametrize("function", [stretch, letterbox])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_batches_of_unknown_size_in_a_graph(function, dtype):
    kind = tf.TensorSpec([None, None, None, 3], tf.as_dtype(dtype))
    in_graph = tf.function(lambda images: function(images, (40, 56)), input_signature=[kind])
    for height, width, count in ((30, 70, 1), (64, 20, 3), (40, 56, 2)):
        batch = tf.constant(np.stack([photo(height, width, dtype)] * count))
        images, placement = in_graph(batch)
        single, single_window = function(batch[0], (40, 56))
        assert images.shape == (count, 40, 56, 3)
        np.testing.assert_allclose(images, tf.stack([single] * count), atol=1e-6)
        np.testing.assert_allclose(placement, tf.stack([single_window] * count))
        assert 0.0 <= float(tf.reduce_min(images)) <= float(tf.reduce_max(images)) <= 1.0
        boxes = tf.fill([count, 2, 4], 0.5)
        assert boxes_to_image(boxes, placement).shape == (count, 2, 4)


def test_static_shape_is_known_in_a_graph():
    spec = tf.TensorSpec([None, None, None, 3], tf.uint8)
    for function in (stretch, letterbox):
        concrete = tf.function(lambda x, f=function: f(x, (32, 64))[0]).get_concrete_function(spec)
        assert concrete.outputs[0].shape.as_list() == [None, 32, 64, 3]
