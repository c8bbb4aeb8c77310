import numpy as np
import tensorflow as tf

from tests.data.augment import scene
from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment import colour
from yolo_tf.data.augment.boxes import box_area


def erased(count=200, size=(10, 20), **settings):
    boxes = np.tile(np.float32([[0.4, 0.4, 0.6, 0.6], [0.0, 0.0, 1.0, 1.0]]), (count, 1, 1))
    batch = scene.batch(boxes, size=size)
    batch.pop("whole")
    return batch, colour.erase(batch, AugmentConfig(**settings))


def test_rectangles_lie_in_the_image_and_in_their_range():
    _, out = erased(erase=1, erase_area=0.3)
    hidden = out["erased"].numpy()
    assert np.all((hidden >= 0) & (hidden <= 1.000001))
    area = box_area(out["erased"]).numpy()
    assert 0.0199 <= area.min() < 0.05
    assert 0.27 < area.max() <= 0.3001


def test_a_box_goes_where_too_little_of_it_is_left():
    batch, out = erased(erase=0.7, erase_area=0.4, min_area=0.25)
    hidden = out["erased"].numpy()
    low, high = np.maximum(hidden[:, :2], 0.4), np.minimum(hidden[:, 2:], 0.6)
    left = 1 - np.prod(np.maximum(high - low, 0), axis=1) / 0.04
    gone = out["classes"].numpy()[:, 0] != 0
    assert np.sum(gone) > 5
    assert np.all(left[gone] < 0.25 + 1e-4)
    assert np.all(left[~gone] > 0.25 - 1e-4)
    np.testing.assert_array_equal(out["cut"], gone)  # the large box always stays
    np.testing.assert_array_equal(
        out["boxes"][:, 0], np.where(gone[:, None], [0, 0, 1, 1], batch["boxes"][:, 0])
    )


def test_as_often_as_asked():
    _, out = erased(erase=0.3)
    assert 40 <= np.sum(np.any(out["erased"] != 0, axis=1)) <= 80
    _, out = erased(erase=0)
    assert not np.any(out["erased"])


def test_pixels_inside_are_grey_and_the_others_stay():
    images = tf.random.stateless_uniform([2, 10, 20, 3], [1, 1])
    out = colour.erase_images(images, tf.constant([[0.2, 0.5, 0.6, 0.75], [0.0] * 4])).numpy()
    assert np.all(out[0, 2:6, 10:15] == 0.5)
    outside = np.ones((10, 20), bool)
    outside[2:6, 10:15] = False
    np.testing.assert_array_equal(out[0][outside], images[0].numpy()[outside])
    np.testing.assert_array_equal(out[1], images[1])
