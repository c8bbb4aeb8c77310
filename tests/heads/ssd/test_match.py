"""Matching against the rule written with plain loops, and its corner cases."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from yolo_tf.config import SsdHeadConfig
from yolo_tf.heads.ssd.match import encode
from yolo_tf.ops.boxes import pairwise_iou

CONFIG = SsdHeadConfig(positive_iou=0.5, neutral_iou=0.3)
# Four squares in a row, and a small one far from them.
PRIORS = np.array(
    [[0.0, x, 0.2, x + 0.2] for x in (0.0, 0.1, 0.2, 0.3)] + [[0.8, 0.8, 0.9, 0.9]], np.float32
)


def match(boxes, classes, priors=PRIORS, config=CONFIG):
    """[B, P] rows of the boxes, from 1; 0 background, -1 neutral."""
    boxes = np.reshape(boxes, [*np.shape(classes), 4])
    targets = encode(
        tf.constant(boxes, tf.float32), tf.constant(classes, tf.int32), tf.constant(priors), config
    )
    return targets["match"].numpy()


def plain(boxes, classes, priors, config):
    """One image, with loops (algorithms.md 3.5); boxes that nothing overlaps are left out."""
    iou = pairwise_iou(tf.constant(boxes, tf.float32), tf.constant(priors)).numpy()
    iou[np.asarray(classes) < 0] = 0
    rows = np.zeros(len(priors), int)
    left = iou.copy()
    while left.size and left.max() > 0:
        box, prior = np.unravel_index(left.argmax(), left.shape)
        rows[prior] = box + 1
        left[box] = left[:, prior] = 0
    best = iou.max(0, initial=0)
    for prior in np.flatnonzero(rows == 0):
        if best[prior] >= config.positive_iou and config.matching == "multi":
            rows[prior] = iou[:, prior].argmax() + 1
        elif best[prior] >= config.neutral_iou:
            rows[prior] = -1
    return rows


def random_images(random, images, boxes, corners=1.0):
    low = random.uniform(0, 0.8, (images, boxes, 2))
    high = np.minimum(low + random.uniform(0.02, 0.5, low.shape), corners)
    classes = random.integers(0, 5, (images, boxes))
    padding = random.random(classes.shape) < 0.3
    return (
        np.where(padding[..., None], 0, np.concatenate([low, high], -1)).astype(np.float32),
        np.where(padding, -1, classes),
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    boxes=st.integers(0, 9),
    matching=st.sampled_from(["multi", "bipartite"]),
    neutral=st.sampled_from([0.2, 0.5]),
)
def test_equals_the_plain_loops(seed, boxes, matching, neutral):
    random = np.random.default_rng(seed)
    truths, classes = random_images(random, images=2, boxes=boxes)
    priors = random_images(random, 1, 7)[0][0]
    priors = priors[priors.any(-1)]
    if not len(priors):
        priors = PRIORS
    config = SsdHeadConfig(matching=matching, positive_iou=0.4, neutral_iou=neutral)
    found = match(truths, classes, priors, config)
    for image in range(2):
        expected = plain(truths[image], classes[image], priors, config)
        np.testing.assert_array_equal(found[image], expected)


def test_own_prior_then_all_above_the_threshold():
    # IoU with the row of squares: 1/3, 1, 1/3, 0.
    assert match([[[0, 0.1, 0.2, 0.3]]], [[2]]).tolist() == [[-1, 1, -1, 0, 0]]
    # 0.9 / 1.1, 0.818, 0.29, 0
    between = match([[[0, 0.05, 0.2, 0.25]]], [[2]], config=SsdHeadConfig(positive_iou=0.5))
    assert between.tolist() == [[1, 1, 0, 0, 0]]


def test_the_best_pair_chooses_first():
    # Both boxes overlap prior 1 most; the second exactly, so the first takes the next best.
    boxes = [[[0, 0.12, 0.2, 0.32], [0, 0.1, 0.2, 0.3]]]
    rows = match(boxes, [[0, 0]], config=SsdHeadConfig(matching="bipartite", neutral_iou=0.9))
    assert rows.tolist() == [[0, 2, 1, 0, 0]]


def test_of_equal_overlaps_the_first_box_and_the_first_prior_win():
    twins = [[0, 0.1, 0.2, 0.3]] * 2
    config = SsdHeadConfig(matching="bipartite", neutral_iou=0.9)
    assert match([twins], [[0, 1]], config=config).tolist() == [[2, 1, 0, 0, 0]]
    assert match([twins], [[0, 1]]).tolist() == [[2, 1, -1, 0, 0]]


def test_a_box_that_no_prior_overlaps_is_left_out():
    alone = [0.5, 0.5, 0.6, 0.6]
    assert match([[alone]], [[3]]).tolist() == [[0, 0, 0, 0, 0]]
    assert match([[alone, [0, 0.1, 0.2, 0.3]]], [[3, 3]]).tolist() == [[-1, 2, -1, 0, 0]]


def test_more_boxes_than_priors():
    boxes = [[[0.8, 0.8, 0.9, 0.9 + i / 1000] for i in range(4)]]
    assert match(boxes, [[0] * 4], PRIORS[4:]).tolist() == [[1]]


def test_padding_anywhere_changes_nothing():
    boxes, classes = random_images(np.random.default_rng(5), 3, 6)
    rows = match(boxes, classes)
    # A padding row after each row: row i of the list becomes row 2 i.
    padded = np.stack([np.zeros_like(boxes), boxes], axis=2).reshape(3, 12, 4)
    padded_classes = np.stack([np.full_like(classes, -1), classes], axis=2).reshape(3, 12)
    np.testing.assert_array_equal(match(padded, padded_classes), np.where(rows > 0, 2 * rows, rows))


def test_boxes_without_area_and_of_padding_class_match_nothing():
    boxes = [[[0, 0.1, 0, 0.3], [0, 0.3, 0.2, 0.3], [0, 0.1, 0.2, 0.3]]]
    targets = encode(tf.constant(boxes), tf.constant([[1, 1, -1]]), tf.constant(PRIORS), CONFIG)
    assert not targets["match"].numpy().any()
    assert not targets["boxes"].numpy().any()
    assert targets["classes"].numpy().tolist() == [[-1] * 4]


@pytest.mark.parametrize("images", [0, 1, 3])
def test_no_boxes(images):
    rows = match(np.zeros([images, 0, 4]), np.zeros([images, 0]))
    assert rows.shape == (images, 5)
    assert not rows.any()


def test_graph_of_unknown_sizes_and_xla_agree():
    boxes, classes = random_images(np.random.default_rng(1), 4, 8)
    signature = [tf.TensorSpec([None, None, 4]), tf.TensorSpec([None, None], tf.int32)]
    graph = tf.function(lambda b, c: encode(b, c, PRIORS, CONFIG), input_signature=signature)
    xla = tf.function(lambda b, c: encode(b, c, PRIORS, CONFIG), jit_compile=True)
    arguments = tf.constant(boxes), tf.constant(classes, tf.int32)
    for name, value in graph(*arguments).items():
        np.testing.assert_array_equal(value, xla(*arguments)[name])
    assert graph(*arguments)["match"].numpy().tolist() == match(boxes, classes).tolist()
    assert graph(tf.zeros([2, 0, 4]), tf.zeros([2, 0], tf.int32))["match"].shape == (2, 5)
