import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolo_tf.analysis import kmeans
from yolo_tf.data.records.anchors import avg_best_iou
from yolo_tf.errors import UserError

CENTRES = np.array([[10.0, 20.0], [60.0, 30.0], [100.0, 200.0]])


def clusters(count=50, spread=0.05, seed=0):
    random = np.random.default_rng(seed)
    return np.concatenate([c * random.uniform(1 - spread, 1 + spread, (count, 2)) for c in CENTRES])


@pytest.mark.parametrize("update", kmeans.UPDATES)
def test_finds_clusters_by_ascending_area(update):
    found = kmeans.fit_anchors(clusters(), 3, updates=(update,))
    np.testing.assert_allclose(found, CENTRES, rtol=0.03)


def test_the_same_seed_gives_the_same_anchors():
    wh = np.random.default_rng(1).lognormal(3, 1, (300, 2))
    first, again, other = (kmeans.fit_anchors(wh, 5, seed, 1) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_more_starts_are_never_worse():
    wh = np.random.default_rng(2).lognormal(3, 1, (200, 2))
    figures = [avg_best_iou(wh, kmeans.fit_anchors(wh, 6, 0, n)) for n in (1, 3, 8)]
    assert figures == sorted(figures)


def test_no_start_of_any_update_is_better():
    wh = np.random.default_rng(4).lognormal(3, 1, (150, 2))
    found = avg_best_iou(wh, kmeans.fit_anchors(wh, 5, seed=1, restarts=4))
    for update in kmeans.UPDATES:
        runs = [kmeans.kmeans(wh, 5, [1, run], update) for run in range(4)]
        assert found > max(avg_best_iou(wh, run) for run in runs)


def test_refined_centres_stay_where_every_small_step_is_worse():
    wh = np.random.default_rng(5).lognormal(3, 1, (200, 2))
    found = kmeans.refine(wh, wh[:4])
    figure = avg_best_iou(wh, found)
    assert figure > avg_best_iou(wh, kmeans.kmeans(wh, 4, 5)) - 0.02
    np.testing.assert_allclose(avg_best_iou(wh, kmeans.refine(wh, found)), figure, atol=1e-4)
    for side in range(2):
        for index in range(4):
            for factor in (0.98, 1.02):
                moved = found.copy()
                moved[index, side] *= factor
                assert avg_best_iou(wh, moved) < figure + 1e-4


def test_as_many_anchors_as_sizes_fit_exactly():
    wh = np.repeat(CENTRES, 4, axis=0)
    np.testing.assert_allclose(kmeans.fit_anchors(wh, 3, restarts=1), CENTRES)


def test_a_centre_without_boxes_stays():
    wh = np.array([[10.0, 10.0], [12.0, 12.0]])
    centres = np.array([[11.0, 11.0], [300.0, 300.0]])
    for update in kmeans.UPDATES:
        moved = kmeans._iterate(wh, centres, update)
        np.testing.assert_allclose(moved, [[11, 11], [300, 300]])


def test_many_boxes_are_fitted_on_a_sample_and_finished_on_all(monkeypatch):
    wh = clusters(2000)
    monkeypatch.setattr(kmeans, "_SAMPLE", 300)
    monkeypatch.setattr(kmeans, "_BLOCK", 500)
    found = kmeans.fit_anchors(wh, 3, restarts=3, updates=("mean",))
    expected = [wh[i * 2000 : (i + 1) * 2000].mean(axis=0) for i in range(3)]
    np.testing.assert_allclose(found, expected, rtol=3e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**31), st.integers(6, 60))
def test_any_boxes(k, seed, count):
    wh = np.random.default_rng(seed).uniform(0.5, 400, (count, 2))
    found = kmeans.kmeans(wh, k, seed)
    assert found.shape == (k, 2)
    assert np.isfinite(found).all()
    assert (np.diff(found.prod(axis=1)) >= 0).all()
    assert (found >= wh.min(axis=0) - 1e-9).all()
    assert (found <= wh.max(axis=0) + 1e-9).all()


@pytest.mark.parametrize(
    ("k", "settings", "message"),
    [
        (4, {}, "found 3 distinct box sizes, expected at least 4"),
        (0, {}, "number of anchors: found 0"),
        (2, {"updates": ("mode",)}, "expected some of mean, median"),
        (2, {"updates": ()}, "expected some of mean, median"),
        (2, {"restarts": 0}, "restarts: found 0"),
    ],
)
def test_mistakes(k, settings, message):
    with pytest.raises(UserError, match=message):
        kmeans.fit_anchors(np.repeat(CENTRES, 2, axis=0), k, **settings)


def test_sizes_are_positive():
    with pytest.raises(ValueError, match="positive"):
        kmeans.fit_anchors([[0.0, 1.0], [2.0, 2.0]], 1)
