"""Task-aligned assignment and ATSS: corner cases that the reference numbers do not cover."""

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.config import TalAssignConfig
from yolo_tf.heads.grid import make_grid
from yolo_tf.heads.tal.assign import task_aligned
from yolo_tf.heads.tal.atss import atss
from yolo_tf.heads.tal.points import points_inside

GRID = make_grid({16: (4, 6), 32: (2, 3)})  # of an input of 64 x 96 pixels
POINTS = len(GRID.strides)
IOU = TalAssignConfig(alpha=1.0, overlap="iou")
graph_and_xla = pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])


def run(assign, truths, classes, scores, predicted, config=IOU, jit=False):
    """(truth [B, N], score [B, N])."""
    inputs = [np.asarray(v, np.float32) for v in (truths, scores, predicted)]
    truths, scores, predicted = map(tf.constant, inputs)

    @tf.function(jit_compile=jit, autograph=False)
    def call(*inputs):
        return assign(*inputs, GRID, config)

    matches = call(truths, tf.constant(classes, tf.int32), scores, predicted)
    return matches.truth.numpy(), matches.score.numpy()


def around_points(side):
    """[1, N, 4] boxes of so many strides about the points."""
    half = GRID.strides * side / 2
    centres = GRID.centres[:, ::-1]
    return np.concatenate([centres - half, centres + half], -1)[None]


def random_predictions(batch, classes, seed=0):
    random = np.random.default_rng(seed)
    scores = random.uniform(0.01, 0.9, [batch, POINTS, classes])
    boxes = around_points(random.uniform(1, 3, [POINTS, 1]))
    return scores, boxes + random.normal(0, 2, [batch, POINTS, 4])


@graph_and_xla
@pytest.mark.parametrize("batch", [1, 3])
def test_the_first_of_equal_truths_takes_all(batch, jit):
    """However many there are: TensorFlow's arctangents of equal numbers differ in the last bit."""
    scores, predicted = random_predictions(batch, 2)
    truths = np.tile(np.array([18.3, 11.7, 50.9, 77.1], np.float32), [batch, 21, 1])
    for config in (TalAssignConfig(), TalAssignConfig(conflicts="selected")):
        truth, score = run(
            task_aligned, truths, np.ones([batch, 21]), scores, predicted, config, jit
        )
        assert set(truth.ravel()) == {-1, 0}
        assert (score[truth == 0] > 0).all()


@graph_and_xla
@pytest.mark.parametrize("assign", [task_aligned, atss])
def test_nothing_without_truths(assign, jit):
    scores, predicted = random_predictions(2, 3)
    empty = [[[30, 30, 30, 60], [0, 0, 0, 0]]] * 2  # one without height, one of padding
    truth, score = run(assign, empty, [[1, -1]] * 2, scores, predicted, jit=jit)
    assert (truth == -1).all()
    assert (score == 0).all()


def test_rows_of_padding_change_the_numbers_of_rows_alone():
    scores, predicted = random_predictions(1, 3)
    truths = [[[5, 5, 40, 60], [20, 30, 60, 90]]]
    plain, score = run(task_aligned, truths, [[0, 2]], scores, predicted)
    zero = [0] * 4
    padded = [[zero, truths[0][0], zero, truths[0][1], zero]]
    found, same = run(task_aligned, padded, [[-1, 0, -1, 2, -1]], scores, predicted)
    np.testing.assert_array_equal(found, np.array([1, 3, -1])[plain])
    np.testing.assert_array_equal(same, score)


def test_no_more_points_than_there_are():
    scores, predicted = random_predictions(1, 1)
    whole = [[[0, 0, 64, 96]]]
    truth, _ = run(task_aligned, whole, [[0]], scores, predicted, TalAssignConfig(top_k=1000))
    overlaps = truth >= 0  # CIoU may be below 0
    assert 0 < overlaps.sum() <= POINTS


def test_the_best_point_gets_the_best_overlap_less_what_the_epsilon_takes():
    """A metric of 1e-9, the epsilon itself, halves the score of 0.6."""
    truths = [[[4, 4, 14, 14]]]  # contains the first point alone
    predicted = np.array(around_points(1.0))
    predicted[0, 0] = [4, 4, 14, 10]
    scores = np.full([1, POINTS, 1], 1e-9 / 0.6**6)
    truth, score = run(task_aligned, truths, [[0]], scores, predicted)
    assert truth[0, 0] == 0
    assert (truth[0, 1:] == -1).all()
    np.testing.assert_allclose(score[0, 0], 0.3, rtol=1e-4)


def test_points_of_metric_0_are_not_taken():
    truths = [[[0, 0, 64, 96]]]
    scores = np.zeros([1, POINTS, 1])
    scores[0, 3] = 0.5
    truth, _ = run(task_aligned, truths, [[0]], scores, around_points(2.0))
    assert np.flatnonzero(truth[0] == 0).tolist() == [3]


def test_who_may_win_a_contested_point():
    """Three truths contain a point; two choose it, and the third overlaps it most."""
    truths = [[[0, 0, 30, 30], [0, 0, 32, 28], [0, 0, 26, 27]]]
    predicted = np.array(around_points(0.1))
    predicted[0, :2] = [[0, 0, 26, 27], [0, 0, 26, 27]]  # points (8, 8) and (24, 8)
    scores = np.full([1, POINTS, 3], 1e-6)
    scores[0, 0] = [0.1, 0.1, 0.9]  # the third truth takes this one
    scores[0, 1] = [0.9, 0.9, 0.1]
    for conflicts, winner in (("containing", 2), ("selected", 1)):
        config = TalAssignConfig(top_k=1, alpha=1.0, overlap="iou", conflicts=conflicts)
        truth, _ = run(task_aligned, truths, [[0, 1, 2]], scores, predicted, config)
        assert truth[0, :2].tolist() == [2, winner], conflicts


def test_short_sides_are_lengthened_axis_by_axis():
    truths = tf.constant([[[9.0, 20.0, 11.0, 44.0], [9.0, 9.0, 11.0, 11.0]]])
    real = tf.constant([[True, True]])
    assert not points_inside(truths, real, GRID).numpy().any()
    inside = points_inside(truths, real, GRID, min_side=16.0).numpy()[0]
    # From 2 to 18 pixels in each short direction, from 20 to 44 in the long one, as it is.
    assert GRID.centres[inside[0]].tolist() == [[24, 8], [40, 8]]
    assert GRID.centres[inside[1]].tolist() == [[8, 8], [16, 16]]


@graph_and_xla
def test_atss_of_a_single_point_takes_none(jit):
    """A candidate must be better than the mean of all."""
    single = make_grid({32: (1, 1)})

    @tf.function(jit_compile=jit, autograph=False)
    def call(truths):
        box = tf.constant([[[0.0, 0.0, 32.0, 32.0]]])
        return atss(truths, tf.zeros([1, 1], tf.int32), tf.ones([1, 1, 1]), box, single, IOU)

    assert call(tf.constant([[[2.0, 2.0, 30.0, 30.0]]])).truth.numpy().tolist() == [[-1]]
