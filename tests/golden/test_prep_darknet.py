"""Stretch and letterbox against Darknet's resize_image and letterbox_image."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.fixtures import cases, load
from yolo_tf.ops.resize import letterbox, stretch


@pytest.mark.parametrize("function", [stretch, letterbox])
@pytest.mark.parametrize("path", cases("prep_darknet_"))
def test_image(path, function):
    arrays, meta = load(path)
    size = tuple(meta["out_hw"])
    expected = arrays[function.__name__]
    image, placement = function(tf.constant(arrays["image"]), size)
    assert image.shape == expected.shape == (*size, 3)
    np.testing.assert_allclose(image, expected, rtol=0, atol=1e-5)

    top, left, bottom, right = np.round(placement.numpy() * np.tile(size, 2)).astype(int)
    covered = np.zeros(size, bool)
    covered[top:bottom, left:right] = True
    grey = np.all(expected == 0.5, axis=-1)
    np.testing.assert_array_equal(covered, ~grey)
