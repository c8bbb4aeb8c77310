import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.heads.yolo.level import flatten_rows


@pytest.mark.parametrize("shifts", [1, 5])
def test_sum_in_slot_adds_the_positive_rows_of_each_slot(shifts):
    random = np.random.default_rng(shifts)
    batch, boxes, anchors, cols = 2, 6, 3, 2  # few cells, so that many rows share one
    targets = {"boxes": tf.zeros([batch, boxes, 4]), "classes": tf.zeros([batch, boxes], tf.int32)}
    level = {
        "cells": tf.constant(random.integers(0, cols, [batch, boxes, shifts, 2]), tf.int32),
        "matches": tf.constant(random.random([batch, boxes, shifts, anchors]) < 0.5),
    }
    rows = flatten_rows(targets, level, cols)
    slots, positive = rows.slot.numpy(), rows.positive.numpy()
    values = random.random([batch, slots.shape[1], 4]).astype(np.float32)
    expected = np.zeros_like(values)
    for image, row, other in np.ndindex(batch, slots.shape[1], slots.shape[1]):
        if positive[image, other] and slots[image, row] == slots[image, other]:
            expected[image, row] += values[image, other]
    found = rows.sum_in_slot(tf.constant(values))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.shape == values.shape
