"""The search for the truth that each cell's box overlaps most."""

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.heads.yolo.losses import darknet
from yolo_tf.ops.boxes import pairwise_iou

SLOTS = 50


def random_boxes(random, *shape):
    low = random.uniform(0, 0.6, [*shape, 2])
    return np.concatenate([low, low + random.uniform(0.05, 0.4, [*shape, 2])], -1).astype("f")


def case(places, limit):
    """Boxes, and truths at the given places of each image's `limit` rows."""
    random = np.random.default_rng(limit)
    truths = np.zeros([len(places), limit, 4], np.float32)
    for image, rows in enumerate(places):
        truths[image, rows] = random_boxes(random, len(rows))
    sure = random.random([len(places), SLOTS]) < 0.8
    return tf.constant(random_boxes(random, len(places), SLOTS)), tf.constant(truths), sure


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
    boxes, truths, sure = case([list(rows) for rows in places], limit)
    found = tf.function(darknet.best_overlap, jit_compile=jit)(boxes, truths, sure)
    expected = np.zeros([len(places), SLOTS], np.float32)
    if limit:
        expected = pairwise_iou(truths, boxes).numpy().max(axis=1)
    np.testing.assert_allclose(found, np.where(sure, expected, 0), rtol=1e-6, atol=1e-7)


def test_batch_and_number_of_truths_may_be_unknown():
    specs = [
        tf.TensorSpec([None, SLOTS, 4]),
        tf.TensorSpec([None, None, 4]),
        tf.TensorSpec([None, SLOTS], tf.bool),
    ]
    search = tf.function(darknet.best_overlap, input_signature=specs)
    for places, limit in (([[0], [2]], 3), ([[]], 0), ([range(20)], 33)):
        boxes, truths, sure = case([list(rows) for rows in places], limit)
        whole = darknet.best_overlap(boxes, truths, sure)
        np.testing.assert_allclose(search(boxes, truths, sure), whole, rtol=1e-6)


def test_takes_no_part_in_the_gradient():
    boxes, truths, sure = case([[0, 20]], 40)

    @tf.function
    def gradient(boxes):
        with tf.GradientTape() as tape:
            tape.watch(boxes)
            overlap = darknet.best_overlap(boxes, truths, sure)
        return tape.gradient(overlap, boxes, unconnected_gradients="zero")

    assert not gradient(boxes).numpy().any()
