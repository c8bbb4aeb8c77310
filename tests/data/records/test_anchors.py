import math

import numpy as np
import pytest

from yolo_tf.data.records import anchors


def test_by_hand():
    wh = [[10, 20], [40, 40]]
    given = [[10, 10], [40, 80]]
    assert anchors.avg_best_iou(wh, given) == pytest.approx(0.5)
    assert anchors.bpr(wh, given) == 1.0
    assert anchors.bpr(wh, given, max_ratio=2.0) == 0.0  # "below": exactly 2 does not count


def test_bpr_looks_at_both_sides_both_ways():
    given = [[10, 10]]
    for wh, expected in (([39, 10], 1), ([41, 10], 0), ([10, 2.6], 1), ([10, 2.4], 0)):
        assert anchors.bpr([wh], given) == expected, wh


def test_without_boxes_there_is_no_figure():
    empty = np.zeros((0, 2))
    assert math.isnan(anchors.avg_best_iou(empty, [[1, 1]]))
    assert math.isnan(anchors.bpr(empty, [[1, 1]]))


def test_an_empty_box_fits_nothing():
    assert anchors.avg_best_iou([[0, 0]], [[1, 1]]) == 0
    assert anchors.bpr([[0, 0]], [[1, 1]]) == 0


def test_blocks_do_not_change_the_figure(monkeypatch):
    wh = np.random.default_rng(0).uniform(1, 100, (50, 2))
    given = [[10, 20], [50, 60]]
    whole = anchors.avg_best_iou(wh, given), anchors.bpr(wh, given)
    monkeypatch.setattr(anchors, "_BLOCK", 7)
    assert (anchors.avg_best_iou(wh, given), anchors.bpr(wh, given)) == pytest.approx(whole)


def test_figures_of_single_boxes():
    wh, given = [[10, 20], [40, 40], [500, 500]], [[10, 10], [40, 80]]
    np.testing.assert_allclose(anchors.best_iou(wh, given)[:2], [0.5, 0.5])
    assert anchors.best_anchor(wh, given).tolist() == [0, 1, 1]
    assert anchors.reachable(wh, given).tolist() == [True, True, False]
    assert anchors.best_anchor(np.zeros((0, 2)), given).shape == (0,)
