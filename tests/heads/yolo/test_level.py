"""The list of rows: what lies in one slot, by plain loops."""

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.heads.yolo.level import flatten_rows, positive_slots

BATCH, BOXES, ANCHORS, COLS = 2, 6, 3, 2  # few cells, so that many rows share one
SLOTS = COLS * COLS * ANCHORS


def make_rows(shifts):
    random = np.random.default_rng(shifts)
    targets = {"boxes": tf.zeros([BATCH, BOXES, 4]), "classes": tf.zeros([BATCH, BOXES], tf.int32)}
    level = {
        "cells": tf.constant(random.integers(0, COLS, [BATCH, BOXES, shifts, 2]), tf.int32),
        "matches": tf.constant(random.random([BATCH, BOXES, shifts, ANCHORS]) < 0.5),
    }
    return flatten_rows(targets, level, COLS), level, random


@pytest.mark.parametrize("shifts", [1, 5])
def test_sum_in_slot_adds_the_positive_rows_of_each_slot(shifts):
    rows, _, random = make_rows(shifts)
    slots, positive = rows.slot.numpy(), rows.positive.numpy()
    values = random.random([BATCH, slots.shape[1], 4]).astype(np.float32)
    expected = np.zeros_like(values)
    for image, row, other in np.ndindex(BATCH, slots.shape[1], slots.shape[1]):
        if positive[image, other] and slots[image, row] == slots[image, other]:
            expected[image, row] += values[image, other]
    found = rows.sum_in_slot(tf.constant(values))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.shape == values.shape


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("shifts", [1, 5])
def test_rows_to_slots(shifts, jit):
    rows, _, random = make_rows(shifts)
    values = random.random(rows.slot.shape).astype(np.float32)
    total, largest = np.zeros([2, BATCH, SLOTS], np.float32)
    latest = np.full([BATCH, SLOTS], -1)
    for image, row in np.argwhere(rows.positive.numpy()):
        slot, value = rows.slot[image, row].numpy(), values[image, row]
        total[image, slot] += value
        largest[image, slot] = max(largest[image, slot], value)
        latest[image, slot] = row
    last = np.zeros(rows.slot.shape, bool)
    for image, slot in np.argwhere(latest >= 0):
        last[image, latest[image, slot]] = True

    @tf.function(jit_compile=jit, autograph=False)
    def run(slot, positive, values):
        given = rows._replace(slot=slot, positive=positive)
        return (
            given.sum_to_slots(values, SLOTS),
            given.max_to_slots(values, SLOTS),
            given.last(SLOTS),
            positive_slots(given, SLOTS),
        )

    found = run(rows.slot, rows.positive, values)
    np.testing.assert_allclose(found[0], total, rtol=1e-6)
    np.testing.assert_array_equal(found[1], largest)
    np.testing.assert_array_equal(found[2], last)
    np.testing.assert_array_equal(found[3], latest >= 0)
    assert last.sum() < rows.positive.numpy().sum()  # some rows did lose their slot


def test_trained_boxes():
    rows, level, _ = make_rows(2)
    first = rows._replace(positive=rows.positive & (tf.range(rows.slot.shape[1]) < 2 * ANCHORS))
    found = first.trained_boxes(level).numpy()
    np.testing.assert_array_equal(found[:, 0], level["matches"][:, 0].numpy().any(axis=(1, 2)))
    assert not found[:, 1:].any()
