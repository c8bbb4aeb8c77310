import numpy as np
import pytest

from yolo_tf.benchmark.step import random_boxes


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_boxes_are_padded_as_in_the_pipeline(limit):
    boxes, classes = random_boxes(16, limit, 5)
    assert boxes.shape == (16, limit, 4)
    assert boxes.dtype == np.float32
    assert classes.dtype == np.int32
    real = classes >= 0
    assert real.any(axis=1).all()
    assert (boxes[~real] == 0).all()
    assert (classes[~real] == -1).all()
    assert (boxes[real][:, 2:] > boxes[real][:, :2]).all()
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    assert set(classes[real]) <= set(range(5))


def test_about_ten_boxes_an_image_and_other_ones_with_another_seed():
    boxes, classes = random_boxes(500, 100, 3)
    assert 9 < (classes >= 0).sum(axis=1).mean() < 11
    np.testing.assert_array_equal(boxes, random_boxes(500, 100, 3)[0])
    assert not np.array_equal(boxes, random_boxes(500, 100, 3, seed=1)[0])
