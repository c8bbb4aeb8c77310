"""The search for the truth that each cell's box overlaps most."""

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.heads.yolo.losses.common import MEASURES, best_overlap
from yolo_tf.ops.boxes import pairwise_iou

SLOTS, CLASSES = 50, 3


def random_boxes(random, *shape):
    low = random.uniform(0, 0.6, [*shape, 2])
    return np.concatenate([low, low + random.uniform(0.05, 0.4, [*shape, 2])], -1).astype("f")


def case(places, limit):
    """Boxes, and truths at the given places of each image's `limit` rows; the boxes' classes."""
    random = np.random.default_rng(limit)
    truths = np.zeros([len(places), limit, 4], np.float32)
    for image, rows in enumerate(places):
        truths[image, rows] = random_boxes(random, len(rows))
    classes = np.where(truths.any(-1), random.integers(0, CLASSES, truths.shape[:2]), -1)
    likely = random.random([len(places), SLOTS, CLASSES]) < 0.5
    boxes = random_boxes(random, len(places), SLOTS)
    return boxes, truths, classes.astype(np.int32), likely


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize(
    ("places", "limit"),
    [
        ([[]], 0),
        ([[], []], 5),
        ([[0], [0, 1, 2]], 5),
        ([[15], [16]], 17),
        ([range(16), []], 16),
        ([range(100), [99], [3, 70]], 100),  # parts without any truth lie between
    ],
)
def test_is_the_largest_of_all_pairs(places, limit, jit):
    boxes, truths, classes, likely = case([list(rows) for rows in places], limit)
    search = tf.function(best_overlap, jit_compile=jit)
    pairs = pairwise_iou(truths, boxes).numpy()
    found = search(boxes, truths)
    np.testing.assert_allclose(found, pairs.max(axis=1, initial=0), rtol=1e-6, atol=1e-7)
    for image, row in np.ndindex(classes.shape):
        pairs[image, row] *= likely[image, :, classes[image, row]]
    found = search(boxes, truths, classes=classes, likely=likely)
    np.testing.assert_allclose(found, pairs.max(axis=1, initial=0), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["giou", "ciou"])
def test_other_measures_are_at_least_0(name):
    boxes, truths, _, _ = case([[0, 2], [], range(20)], 20)
    pairs = MEASURES[name](truths[:, :, None], boxes[:, None]).numpy()
    pairs[~truths.any(-1)] = 0
    found = best_overlap(boxes, truths, MEASURES[name])
    np.testing.assert_allclose(found, pairs.max(axis=1, initial=0), rtol=1e-6, atol=1e-7)
    assert (pairs.max(axis=1) < 0).any()


def test_batch_and_number_of_truths_may_be_unknown():
    specs = [
        tf.TensorSpec([None, SLOTS, 4]),
        tf.TensorSpec([None, None, 4]),
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([None, SLOTS, CLASSES], tf.bool),
    ]

    def search(boxes, truths, classes, likely):
        return best_overlap(boxes, truths, classes=classes, likely=likely)

    compiled = tf.function(search, input_signature=specs)
    for places, limit in (([[0], [2]], 3), ([[]], 0), ([range(20)], 33)):
        values = case([list(rows) for rows in places], limit)
        np.testing.assert_allclose(compiled(*values), search(*values), rtol=1e-6)


def test_takes_no_part_in_the_gradient():
    boxes, truths, classes, likely = case([[0, 20]], 40)

    @tf.function
    def gradient(boxes):
        with tf.GradientTape() as tape:
            tape.watch(boxes)
            overlap = best_overlap(boxes, truths, classes=classes, likely=likely)
        return tape.gradient(overlap, boxes, unconnected_gradients="zero")

    assert not gradient(tf.constant(boxes)).numpy().any()
