import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.data.augment.warp import unpack, warp


def by_definition(image, inverse, size):
    """Bilinear interpolation of each pixel, one after the other."""
    height, width = size
    out = np.full((height, width, 3), 128.0)
    for i in range(height):
        for j in range(width):
            y, x, depth = inverse @ [(i + 0.5) / height, (j + 0.5) / width, 1.0]
            y, x = y / depth * height - 0.5, x / depth * width - 0.5
            if depth <= 0 or not (-0.5 <= y <= height - 0.5 and -0.5 <= x <= width - 0.5):
                continue
            y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
            row, column = int(min(y, height - 2)), int(min(x, width - 2))
            a, b = y - row, x - column
            part = image[row : row + 2, column : column + 2].astype(float)
            out[i, j] = (1 - a) * ((1 - b) * part[0, 0] + b * part[0, 1]) + a * (
                (1 - b) * part[1, 0] + b * part[1, 1]
            )
    return out


@pytest.mark.parametrize("size", [(12, 20), (9, 7)])
def test_is_bilinear_interpolation(size):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (3, *size, 3), dtype=np.uint8)
    matrices = np.eye(3) + rng.uniform(-0.4, 0.4, (3, 3, 3)) * [[1, 1, 0.3], [1, 1, 0.3], [1, 1, 0]]
    matrices = matrices.astype(np.float32)
    found = unpack(warp(tf.constant(images), tf.constant(matrices), size)).numpy()
    for image, matrix, one in zip(images, matrices, found, strict=True):
        difference = np.abs(one - by_definition(image, matrix.astype(float), size)).max(axis=-1)
        # Weights are in 1/128 and results are cut off: up to three of 255 levels. On the very
        # border of the old image rounding decides whether a pixel is inside.
        assert np.mean(difference > 5) < 0.02
        assert np.median(difference) < 2


def test_the_identity_changes_nothing():
    images = np.random.default_rng(1).integers(0, 256, (2, 8, 9, 3), dtype=np.uint8)
    found = unpack(warp(tf.constant(images), tf.eye(3, batch_shape=[2]), (8, 9)))
    np.testing.assert_allclose(found, images, atol=1)
