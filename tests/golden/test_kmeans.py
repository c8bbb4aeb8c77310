"""Anchors by k-means, compared with those of other implementations (algorithms.md 7)."""

import numpy as np
import pytest

from tests.golden.fixtures import cases, load
from yolo_tf.analysis.kmeans import UPDATES, fit_anchors, kmeans
from yolo_tf.data.records.anchors import avg_best_iou

STARTS = "_avg_iou_10_seeds"


@pytest.mark.parametrize("path", cases("kmeans_"))
def test_fitted_anchors_are_at_least_as_good(path):
    """As the best of the starts that other implementations were given, of each update rule."""
    arrays, meta = load(path)
    height, width = meta["image_hw"]
    wh = arrays["wh"] * np.array([width, height])
    found = avg_best_iou(wh, fit_anchors(wh, meta["k"]))
    figures = {name: np.max(values) for name, values in arrays.items() if "_avg_iou" in name}
    assert figures
    for name, figure in figures.items():
        assert found >= figure - 1e-6, name


@pytest.mark.parametrize("path", cases("kmeans_"))
def test_single_runs_are_as_good_as_those_with_the_same_update(path):
    arrays, meta = load(path)
    for name in [name for name in arrays if name.endswith(STARTS)]:
        update = name.removeprefix("blog_").removesuffix(STARTS)
        assert update in UPDATES
        runs = [
            avg_best_iou(arrays["wh"], kmeans(arrays["wh"], meta["k"], seed, update))
            for seed in range(len(arrays[name]))
        ]
        assert np.median(runs) >= np.median(arrays[name]) - 0.015, name
