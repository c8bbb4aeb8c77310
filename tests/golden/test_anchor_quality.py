"""The average best IoU of anchors that other implementations found."""

import numpy as np
import pytest

from tests.golden.fixtures import cases, load
from yolo_tf.data.records.anchors import avg_best_iou


@pytest.mark.parametrize("path", cases("kmeans_"))
def test_avg_best_iou(path):
    arrays, meta = load(path)
    height, width = meta["image_hw"]
    wh = arrays["wh"] * np.array([width, height])
    names = [name for name in arrays if name.startswith("mg_") and name.endswith("_anchors")]
    assert names
    for name in names:
        expected = arrays[name.replace("_anchors", "_avg_iou")]
        np.testing.assert_allclose(avg_best_iou(wh, arrays[name]), expected, atol=1e-5)
