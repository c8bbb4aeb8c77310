"""Priors whose place and size are known by hand."""

import numpy as np

from yolo_tf.heads.ssd.priors import clip_priors, level_priors, normalise, prior_shapes


def test_shapes_in_the_order_of_the_ratios():
    shapes = prior_shapes((1.0, 4.0, 0.25), 40, 90)
    np.testing.assert_allclose(shapes, [[40, 40], [60, 60], [80, 20], [20, 80]])


def test_the_larger_square_may_be_left_out():
    np.testing.assert_allclose(prior_shapes((1.0, 4.0), 40, 90, False), [[40, 40], [80, 20]])


def test_no_larger_square_without_ratio_1():
    np.testing.assert_allclose(prior_shapes((4.0,), 40, 90), [[80, 20]])


def test_priors_run_by_row_then_column_then_shape():
    shapes = np.array([[10.0, 20], [30, 30]])
    priors = level_priors(shapes, grid=(2, 3), step=(16, 8))
    assert priors.shape == (12, 4)
    np.testing.assert_array_equal(priors[0], [4, 8, 10, 20])
    np.testing.assert_array_equal(priors[1], [4, 8, 30, 30])
    np.testing.assert_array_equal(priors[2], [12, 8, 10, 20])
    np.testing.assert_array_equal(priors[-1], [20, 24, 30, 30])


def test_the_first_centre_can_be_moved():
    priors = level_priors(np.array([[4.0, 4]]), (1, 1), (8, 8), offset=(0.25, 0.75))
    np.testing.assert_array_equal(priors, [[6, 2, 4, 4]])


def test_normalised_by_width_and_height():
    priors = normalise(np.array([[48.0, 16, 24, 8]]), (64, 96))
    assert priors.dtype == np.float32
    np.testing.assert_allclose(priors, [[0.5, 0.25, 0.25, 0.125]])


def test_clipped_to_the_first_and_last_pixel():
    inside, left_top, right_bottom = [48.0, 32, 8, 8], [2.0, 3, 8, 10], [95.0, 62, 10, 8]
    clipped = clip_priors(np.array([inside, left_top, right_bottom]), (64, 96))
    # x 90..100 becomes 90..95, y 58..66 becomes 58..63.
    np.testing.assert_allclose(clipped, [inside, [3, 4, 6, 8], [92.5, 60.5, 5, 5]])
