"""The loss of Scaled-YOLOv4: what the reference numbers do not cover."""

import numpy as np
import pytest
import tensorflow as tf

from tests.heads.yolo import loss_cases
from tests.heads.yolo.loss_cases import SIZE, loss_and_gradients, raw_outputs, truths
from yolo_tf.config import AssignConfig, ScaledLossConfig
from yolo_tf.heads.yolo.losses.scaled import ScaledLoss
from yolo_tf.ops import boxes as box_ops


def make_head(classes=3, neighbours=True, **loss):
    return loss_cases.make_head(
        ScaledLossConfig(**loss),
        classes,
        codec="scaled",
        scale_xy={16: 2.0, 32: 2.0},
        assign=AssignConfig(policy="best", neighbour_cells=neighbours),
    )


def means(values):
    return {name: float(tf.reduce_mean(value)) for name, value in values.items()}


@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_a_batch_twice_has_the_same_mean(threshold):
    head = make_head(ignore_threshold=threshold)
    boxes, labels = truths([4, 1], 5)
    outputs = raw_outputs(head, 2)
    once, gradients = loss_and_gradients(head, boxes, labels, outputs)
    double = {s: tf.concat([x, x], axis=0) for s, x in outputs.items()}
    twice, same = loss_and_gradients(
        head, tf.concat([boxes] * 2, 0), tf.concat([labels] * 2, 0), double
    )
    for name, value in means(once).items():
        np.testing.assert_allclose(means(twice)[name], value, rtol=1e-5, atol=1e-7)
    for s in outputs:  # of the sums over images
        np.testing.assert_allclose(same[s][2:], gradients[s], rtol=1e-4, atol=1e-6)


def test_box_and_class_parts_are_means_over_the_positives_of_the_batch():
    head = make_head(classes=4, box_normalizer=1.0, class_normalizer=1.0, iou_type="iou")
    boxes, labels = truths([5, 1], 5, classes=4)
    outputs = raw_outputs(head, 2)
    values = means(loss_and_gradients(head, boxes, labels, outputs)[0])
    targets = head.encode(boxes, labels)
    raw = tf.reshape(outputs[16], [2, 4, 6, 2, 9])
    decoded, target = head.levels[16].decode(raw[..., :4]), targets["levels"][16]
    box, entropy = [], []
    for image, n, shift, anchor in np.argwhere(target["matches"].numpy()):
        slot = (image, *target["cells"][image, n, shift].numpy(), anchor)
        box.append(1 - box_ops.iou(boxes[image, n], decoded[slot]).numpy())
        probability = tf.sigmoid(raw[slot][5:]).numpy()
        truth = np.arange(4) == labels[image, n].numpy()
        entropy.append(-np.log(np.where(truth, probability, 1 - probability)).mean())
    assert len(box) > 2
    np.testing.assert_allclose(values["box_loss_16"], np.mean(box), rtol=1e-4)
    np.testing.assert_allclose(values["class_loss_16"], np.mean(entropy) * 4 / 80, rtol=1e-4)
    assert not targets["levels"][32]["matches"].numpy().any()
    assert values["box_loss_32"] == values["class_loss_32"] == 0


def two_boxes_in_a_slot(first_is_better):
    """Their likeness with the prediction, and the head's loss given the two boxes."""
    truth = [0.3, 0.3, 0.55, 0.55], [0.26, 0.26, 0.6, 0.6]
    truth = truth if first_is_better else truth[::-1]
    return tf.constant([truth], tf.float32), tf.constant([[0, 1]])


@pytest.mark.parametrize("first_is_better", [False, True])
@pytest.mark.parametrize("last_wins", [False, True])
def test_objectness_target_of_a_slot_with_two_boxes(first_is_better, last_wins):
    boxes, labels = two_boxes_in_a_slot(first_is_better)
    head = make_head(neighbours=False, update_on_repeat=last_wins, iou_type="iou")
    targets = head.encode(boxes, labels)
    ((stride, where),) = [
        (s, np.argwhere(target["matches"][0].numpy()))
        for s, target in targets["levels"].items()
        if target["matches"].numpy().any()
    ]
    anchor = where[0][2]
    assert [tuple(w) for w in where] == [(0, 0, anchor), (1, 0, anchor)]
    cells = targets["levels"][stride]["cells"][0, :, 0].numpy()
    np.testing.assert_array_equal(cells[0], cells[1])
    level = head.levels[stride]
    # Objectness far below 0 in all other slots; at 0 in this one its gradient is 1/2 - target.
    raw = np.full([1, SIZE[0] // stride, SIZE[1] // stride, 2, 8], -30, np.float32)
    slot = (0, *cells[0], anchor)
    raw[slot][:5] = 0
    raw = tf.constant(raw)
    predicted = level.decode(raw[..., :4])[slot]
    likeness = box_ops.iou(boxes[0], predicted).numpy()
    assert 0 < min(likeness) < max(likeness) < 1
    with tf.GradientTape() as tape:
        tape.watch(raw)
        loss = ScaledLoss(head.config.loss)(targets, targets["levels"][stride], raw, level)
        objectness = loss["objectness_loss"]
    gradient = tape.gradient(objectness, raw)[..., 4].numpy()
    target = 0.5 - gradient[slot] * gradient.size
    np.testing.assert_allclose(target, likeness[1] if last_wins else max(likeness), rtol=1e-5)
    np.testing.assert_allclose(loss["avg_iou"], likeness.mean(), rtol=1e-5)


def objectness_loss(level, raw, boxes, labels):
    """Of a level on which nothing is trained, with an ignore threshold of 0.3."""
    count = len(labels)
    targets = {"boxes": boxes[None], "classes": tf.constant([labels])}
    level_targets = {
        "matches": tf.zeros([1, count, 1, 2], tf.bool),
        "cells": tf.zeros([1, count, 1, 2], tf.int32),
    }
    loss = ScaledLoss(ScaledLossConfig(ignore_threshold=0.3))
    return loss(targets, level_targets, tf.constant(raw), level)["objectness_loss"].numpy()[0]


@pytest.mark.parametrize(
    ("logits", "ignored"),
    [([-9, -9, -9], False), ([9, -9, 9], False), ([-9, -1, -9], True), ([9, 9, 9], True)],
)
def test_only_cells_that_see_the_class_of_the_truth_are_ignored(logits, ignored):
    level = make_head().levels[16]
    raw = np.zeros([1, 4, 6, 2, 8], np.float32)
    raw[..., 5:] = logits
    truth = level.decode(tf.constant(raw[..., :4]))[0, 2, 3, 1][None]
    raw[0, 2, 3, 1, 4] = 5.0  # a cell that is sure of an object, and right
    entropy = np.log1p(np.exp(raw[..., 4]))
    expected = np.log(2) if ignored else entropy.mean()
    # Its neighbours have boxes of half a cell aside, which are far less like the truth.
    np.testing.assert_allclose(objectness_loss(level, raw, truth, [1]), expected, rtol=1e-5)


def test_all_cells_may_be_ignored():
    level = make_head().levels[16]
    raw = np.zeros([1, 4, 6, 2, 8], np.float32)
    truths = tf.reshape(level.decode(tf.constant(raw[..., :4])), [-1, 4])
    assert objectness_loss(level, raw, truths, [0] * 48) == 0
