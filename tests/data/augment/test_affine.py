import numpy as np
import pytest
import tensorflow as tf

from tests.data.augment import scene
from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment import geometry, warp

SIZE = (60, 90)


def matrices(count=100, **settings):
    batch = {"draws": scene.draws(count)}
    return geometry.turn_matrix(batch, SIZE, AugmentConfig(**settings)).numpy()


def moved(matrix, y, x):
    """Where a place given in pixels goes, in pixels."""
    out = matrix @ np.array([y / SIZE[0], x / SIZE[1], 1.0])
    return out[:2] / out[2] * SIZE


def test_off_and_nothing_to_do():
    assert not geometry.is_turned(AugmentConfig(scale=2, translate=0.5))
    np.testing.assert_allclose(matrices(2), np.tile(np.eye(3), (2, 1, 1)), atol=1e-6)


def test_rotation_keeps_lengths_and_angles_up_to_its_limit():
    angles = []
    for matrix in matrices(rotate=30):
        centre, right, down = (moved(matrix, *p) for p in ((30, 45), (30, 75), (50, 45)))
        np.testing.assert_allclose(centre, (30, 45), atol=1e-3)
        assert np.linalg.norm(right - centre) == pytest.approx(30, abs=1e-3)
        assert np.linalg.norm(down - centre) == pytest.approx(20, abs=1e-3)
        assert np.dot(right - centre, down - centre) == pytest.approx(0, abs=1e-2)
        angles.append(np.degrees(np.arctan2(*(right - centre))))
    assert -30 <= min(angles) < -25
    assert 25 < max(angles) <= 30


def test_shear_slants_up_to_its_limit():
    slants = []
    for matrix in matrices(shear=10):
        centre, right = moved(matrix, 30, 45), moved(matrix, 30, 75)
        slants.append(np.degrees(np.arctan2(*(right - centre))))
    assert 8 < max(np.abs(slants)) <= 10.001


def test_perspective_makes_one_edge_larger():
    ratios = []
    for matrix in matrices(perspective=0.4):
        left = np.linalg.norm(moved(matrix, 0, 0) - moved(matrix, 60, 0))
        right = np.linalg.norm(moved(matrix, 0, 90) - moved(matrix, 60, 90))
        ratios.append(left / right)
    assert 1.2 < max(ratios) <= 1.2 / 0.8 * 1.3
    assert min(ratios) < 1 / 1.2


def test_boxes_are_upright_around_their_corners():
    quarter = np.array([[0, 1, 0], [-1, 0, 1], [0, 0, 1]], np.float32)  # y' = x, x' = 1 - y
    found = geometry.turn_boxes(tf.constant([[[0.1, 0.2, 0.3, 0.6]]]), tf.constant(quarter[None]))
    np.testing.assert_allclose(found[0, 0], [0.2, 0.7, 0.6, 0.9], atol=1e-6)


def test_the_window_turns_too():
    batch = scene.batch([[[0.2, 0.2, 0.8, 0.8]]] * 4, size=SIZE)
    batch["placement"] = tf.tile([[0.2, 0.2, 0.8, 0.8]], [4, 1])
    out = geometry.turn(batch, SIZE, AugmentConfig(rotate=45))
    np.testing.assert_allclose(out["placement"], out["whole"][:, 0], atol=1e-6)
    assert np.any(np.abs(out["placement"] - batch["placement"]) > 0.05)


def test_images_come_out_mirrored():
    batch = scene.batch([[[0.2, 0.2, 0.8, 0.8]]] * 2, size=SIZE)
    plain, mirrored = (
        geometry.turn(batch, SIZE, AugmentConfig(rotate=20, perspective=0.2, flip=chance))
        for chance in (0, 1)
    )
    pixels = warp.unpack(plain["image"]), tf.reverse(warp.unpack(mirrored["image"]), [2])
    # Rounding may choose another weight, and on the border grey.
    assert np.mean(np.abs(pixels[0] - pixels[1]) > 4) < 0.01
    np.testing.assert_array_equal(plain["whole"], mirrored["whole"])
