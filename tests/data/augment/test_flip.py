import numpy as np
import pytest
import tensorflow as tf

from tests.data.augment import scene
from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment import geometry


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ((0, 0), (1, 2, 4, 8)),
        ((1, 0), (1, 12, 4, 18)),
        ((0, 1), (6, 2, 9, 8)),
        ((1, 1), (6, 12, 9, 18)),
    ],
)
def test_mirrors_by_hand(chances, expected):
    config = AugmentConfig(flip=chances[0], flip_vertical=chances[1])
    sides = np.array([10, 20, 10, 20])
    images = np.zeros((1, 10, 20, 3), np.uint8)
    images[0, 1:4, 2:8] = 255
    batch = scene.batch([[np.array([1, 2, 4, 8]) / sides, [0] * 4]], images=images)
    batch["placement"] = batch["boxes"][:, 0]
    out = geometry.flip(batch, config)
    np.testing.assert_allclose(out["boxes"][0, 0] * sides, expected, atol=1e-5)
    np.testing.assert_allclose(out["placement"][0] * sides, expected, atol=1e-5)
    np.testing.assert_array_equal(out["boxes"][0, 1], [0] * 4)  # padding stays padding
    rows, columns = np.nonzero(
        geometry.flip_images(tf.constant(images), out["mirror"], config)[0, ..., 0]
    )
    found = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    assert found == expected


def test_happens_as_often_as_asked():
    batch = scene.batch([[[0, 0, 1, 0.5]]] * 400, size=(1, 1))
    mirror = geometry.flip(batch, AugmentConfig(flip=0.25, flip_vertical=0.75))["mirror"].numpy()
    assert 70 <= np.sum(mirror[:, 1]) <= 130
    assert 270 <= np.sum(mirror[:, 0]) <= 330
