"""SimOTA against the rules of the paper written out in loops, and its corner cases."""

import numpy as np
import pytest
import tensorflow as tf

from tests.heads.yolox.boxes import random_outputs, random_truths
from yolo_tf.config import SimotaConfig
from yolo_tf.heads.grid import flatten
from yolo_tf.heads.yolox import codec, simota
from yolo_tf.ops.boxes import cxcywh_to_yxyx

VARIANTS = {
    "yolox": SimotaConfig(conflicts="all"),
    "default": SimotaConfig(),
    "yolox_0.1": SimotaConfig(candidates="box_or_centre", center_radius=2.5, conflicts="all"),
    "fast": SimotaConfig(candidates="own", center_radius=2.5, k_factor=1.1, conflicts="selected"),
    "few": SimotaConfig(candidates="own", center_radius=0.6, top_candidates=3, k_factor=0.5),
}


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def overlap(a, b):
    sides = [max(min(a[i + 2], b[i + 2]) - max(a[i], b[i]), 0) for i in (0, 1)]
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return sides[0] * sides[1] / (sum(areas) - sides[0] * sides[1])


def is_candidate(truth, centre, stride, config):
    """(may take the cell, strong) of one truth and cell."""
    x, y = centre
    ymin, xmin, ymax, xmax = truth
    box = min(x - xmin, xmax - x, y - ymin, ymax - y) > 0
    distance = max(abs(x - (xmin + xmax) / 2), abs(y - (ymin + ymax) / 2))
    near = distance < config.center_radius * stride
    return (near, near) if config.candidates == "centre" else (box or near, box and near)


def slow_match(truths, classes, predicted, objectness, logits, grid, config):
    """One image: [N] truth of each cell, [M, N] IoU, number of contested cells."""
    cells, real = len(grid.strides), [g for g, c in enumerate(classes) if c >= 0]
    cost, ious = np.full([len(classes), cells], np.inf), np.zeros([len(classes), cells])
    pairs = {
        (g, j): is_candidate(truths[g], grid.centres[j], grid.strides[j, 0], config)
        for g in real
        for j in range(cells)
    }
    score = np.sqrt(sigmoid(logits) * sigmoid(objectness)[:, None])
    for (g, j), (mine, strong) in pairs.items():
        if not (mine if config.candidates == "own" else any(pairs[h, j][0] for h in real)):
            continue
        ious[g, j] = overlap(truths[g], predicted[j])
        right = np.arange(logits.shape[1]) == classes[g]
        of_class = -np.log(np.where(right, score[j], 1 - score[j])).sum()
        cost[g, j] = of_class - 3 * np.log(ious[g, j] + 1e-8) + 1e5 * (not strong)
    takers = [[] for _ in range(cells)]
    for g in real:
        best = np.sort(ious[g])[::-1][: config.top_candidates]
        k = max(1, int(best.sum() * config.k_factor))
        for j in np.argsort(cost[g], kind="stable")[:k]:
            if np.isfinite(cost[g, j]):
                takers[j].append(g)
    found = np.full(cells, -1)
    for j, rows in enumerate(takers):
        everyone = len(rows) > 1 and config.conflicts == "all"
        if rows:
            found[j] = min(range(len(classes)) if everyone else rows, key=lambda g: cost[g, j])
    return found, ious, sum(len(rows) > 1 for rows in takers)


def finder(config, jit=False):
    """Function: batch -> matches, what `match` got of it, grid."""

    @tf.function(jit_compile=jit, autograph=False)
    def find(boxes, classes, outputs):
        raw, grid = flatten(outputs)
        predicted = cxcywh_to_yxyx(codec.decode(raw[..., :4], grid))
        truths = boxes * grid.scale
        inputs = (truths, classes, predicted, raw[..., 4], raw[..., 5:])
        return simota.match(*inputs, grid, config), inputs

    def run(boxes, classes, outputs):
        found, inputs = find(tf.constant(boxes), tf.constant(classes), outputs)
        return found, [value.numpy() for value in inputs], flatten(outputs)[1]

    return run


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("name", VARIANTS)
def test_as_written_out_in_loops(name, jit):
    config, contested = VARIANTS[name], 0
    run = finder(config, jit)
    for seed in range(4):
        boxes, classes = random_truths([6, 0, 1, 12], 14, seed=seed)
        order = np.random.default_rng(seed).permutation(14)  # padding anywhere
        boxes, classes = boxes[:, order], classes[:, order]
        outputs = random_outputs(4, seed=seed)
        found, inputs, grid = run(boxes, classes, outputs)
        for image in range(4):
            image_inputs = (value[image] for value in inputs)
            expected, ious, count = slow_match(*image_inputs, grid, config)
            contested += count
            np.testing.assert_array_equal(found.truth[image], expected)
            overlaps = np.where(expected >= 0, np.take_along_axis(ious, expected[None], 0)[0], 0)
            np.testing.assert_allclose(found.iou[image], overlaps, atol=1e-5)
    assert contested or name == "few"


def test_class_cost_is_the_sum_over_all_classes():
    random = np.random.default_rng(0)
    logits = random.normal(0, 4, [2, 7, 5]).astype(np.float32)
    objectness = random.normal(0, 4, [2, 7]).astype(np.float32)
    classes = np.array([[4, 0, -1], [2, 2, 1]], np.int32)
    cost = simota.class_cost(tf.constant(classes), tf.constant(objectness), tf.constant(logits))
    score = np.sqrt(sigmoid(logits) * sigmoid(objectness)[..., None])
    for image, row in np.argwhere(classes >= 0):
        right = np.arange(5) == classes[image, row]
        terms = -np.log(np.where(right, score[image], 1 - score[image]))
        np.testing.assert_allclose(cost[image, row], terms.sum(-1), rtol=1e-4)


@pytest.mark.parametrize("sign", [1, -1])
def test_class_cost_of_saturated_scores_is_clamped(sign):
    logits = np.full([1, 1, 3], sign * 500.0, np.float32)
    cost = simota.class_cost(np.array([[0]]), np.full([1, 1], 500.0, np.float32), logits)
    # Sure of all classes: two of them wrong. Sure of none: the right one missed.
    np.testing.assert_allclose(cost, [[[200.0 if sign > 0 else 100.0]]])


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("conflicts", ["selected", "all"])
def test_ties_go_to_the_first_cell_and_the_first_truth(conflicts, jit):
    # Four cells meet in the centre of a square, and all predict the same: the whole of it.
    size, classes = (16, 16), 2
    raw = np.zeros([1, 2, 2, 5 + classes], np.float32)
    for row in range(2):
        for col in range(2):
            raw[0, row, col, :4] = [1 - col, 1 - row, np.log(0.5), np.log(0.5)]
    outputs = {8: tf.constant(raw)}
    box = np.array([4, 4, 12, 12], np.float32) / size[0]
    boxes = np.stack([box * 0, box, box])[None]
    labels = np.array([[-1, 1, 1]], np.int32)
    found, _, _ = finder(SimotaConfig(conflicts=conflicts), jit)(boxes, labels, outputs)
    # IoU 1/4 each: every truth takes one cell.
    np.testing.assert_allclose(found.iou[0], [0.25, 0, 0, 0], rtol=1e-6)
    np.testing.assert_array_equal(found.truth[0], [1, -1, -1, -1])


def test_conflicts_may_go_to_a_truth_that_did_not_take_the_cell():
    """The cheapest of all truths would leave both takers without the cell (algorithms.md 10.17)."""
    cost = np.full([1, 3, 2], 5.0, np.float32)
    cost[0, :, 0] = [2, 3, 1]
    cost[0, 2, 1] = 0.5  # the third truth takes the other cell
    k = tf.constant([[1, 1, 1]])
    found = {
        name: simota._assign(tf.constant(cost), k, SimotaConfig(conflicts=name)).numpy().tolist()
        for name in ("selected", "all")
    }
    assert found == {"selected": [[0, 2]], "all": [[2, 2]]}


@pytest.mark.parametrize("name", VARIANTS)
def test_no_candidate_is_no_match(name):
    boxes = np.array([[[3.0, 3.0, 3.2, 3.2]]], np.float32)  # far outside of the image
    outputs = random_outputs(1)
    found, _, _ = finder(VARIANTS[name])(boxes, np.array([[1]], np.int32), outputs)
    assert (found.truth.numpy() == -1).all()
    assert (found.iou.numpy() == 0).all()


@pytest.mark.parametrize("name", VARIANTS)
def test_boxes_without_area_match_nothing(name):
    boxes = np.array([[[0.5, 0.5, 0.5, 0.8], [0.2, 0.2, 0.2, 0.2]]], np.float32)
    found, _, _ = finder(VARIANTS[name])(boxes, np.array([[1, 0]], np.int32), random_outputs(1))
    assert (found.truth.numpy() == -1).all()


def test_radius_acts_whatever_the_variant():
    boxes = np.array([[[0.1, 0.1, 0.9, 0.9]]], np.float32)
    outputs = random_outputs(1)
    grid = flatten(outputs)[1]
    for candidates in ("centre", "box_or_centre", "own"):
        counts = []
        for radius in (0.6, 1.5, 2.5):
            settings = SimotaConfig(candidates=candidates, center_radius=radius)
            truths = tf.constant(boxes) * grid.scale
            _, strong = simota.find_candidates(truths, tf.constant([[True]]), grid, settings)
            counts.append(int(tf.math.count_nonzero(strong)))
        assert counts == sorted(set(counts)), candidates
