"""YunYang1994's loss: what the reference numbers do not cover."""

import numpy as np
import pytest
import tensorflow as tf

from tests.heads.yolo import loss_cases
from tests.heads.yolo.loss_cases import loss_and_gradients, raw_outputs
from yolo_tf.config import AssignConfig, FocalGiouLossConfig
from yolo_tf.heads.yolo.losses.focal import FocalGiouLoss
from yolo_tf.ops import boxes as box_ops

# Both in cell (1, 2) of stride 16, with the same anchor.
BOXES = tf.constant([[[0.28, 0.30, 0.55, 0.55], [0.27, 0.29, 0.57, 0.59]]])
LABELS = tf.constant([[0, 1]])


def make_head(**loss):
    assign = AssignConfig(policy="cell_iou", threshold=0.4)
    return loss_cases.make_head(FocalGiouLossConfig(**loss), assign=assign)


def slot_of(targets, stride, box=0):
    """(row, col, anchor) of the one slot of a box."""
    level = targets["levels"][stride]
    ((_, anchor),) = np.argwhere(level["matches"][0, box].numpy())
    return (*level["cells"][0, box, 0].numpy(), anchor)


def test_the_last_box_of_a_slot_is_trained_alone():
    head = make_head(ignore_threshold=1.0)
    targets = head.encode(BOXES, LABELS)
    assert slot_of(targets, 16, 0) == slot_of(targets, 16, 1)
    outputs = raw_outputs(head, 1)
    together = loss_and_gradients(head, BOXES, LABELS, outputs)
    last = loss_and_gradients(head, BOXES[:, 1:], LABELS[:, 1:], outputs)
    for a, b in zip(tf.nest.flatten(together), tf.nest.flatten(last), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_the_search_sees_the_boxes_of_the_level_that_lost_their_slot():
    head = make_head(ignore_threshold=0.9)
    outputs = raw_outputs(head, 1)
    level = head.levels[16]
    raw = tf.reshape(outputs[16], [1, 4, 6, 2, 8])
    decoded = level.decode(raw[..., :4])
    slot = slot_of(head.encode(BOXES, LABELS), 16)
    # The first truth is what another slot of this level predicts.
    other = (0, 3, 5, 0)
    found = decoded[other].numpy()
    boxes = tf.constant([[found, *BOXES[0, 1:].numpy()]])
    targets = head.encode(BOXES, LABELS)
    losses = []
    for matched in (True, False):
        matches = targets["levels"][16]["matches"].numpy().copy()
        matches[0, 0] &= matched
        level_targets = {**targets["levels"][16], "matches": tf.constant(matches)}
        loss = FocalGiouLoss(head.config.loss)
        parts = loss({**targets, "boxes": boxes}, level_targets, raw, level)
        losses.append(parts["objectness_loss"].numpy()[0])
    assert slot != other[1:]
    probability = tf.sigmoid(raw[other][4]).numpy()
    np.testing.assert_allclose(
        losses[1] - losses[0], -(probability**2) * np.log(1 - probability), rtol=1e-3
    )


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_objectness_by_hand(exponent):
    head = make_head(focal_exponent=exponent, ignore_threshold=1.0)
    targets = head.encode(BOXES[:, :1], LABELS[:, :1])
    outputs = raw_outputs(head, 1)
    values, _ = loss_and_gradients(head, BOXES[:, :1], LABELS[:, :1], outputs)
    p = tf.sigmoid(tf.reshape(outputs[16], [4, 6, 2, 8])[..., 4]).numpy()
    truth = np.zeros_like(p)
    truth[slot_of(targets, 16)] = 1
    entropy = -np.log(np.where(truth, p, 1 - p))
    expected = (np.abs(truth - p) ** exponent * entropy).sum()
    np.testing.assert_allclose(values["objectness_loss_16"][0], expected, rtol=1e-5)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 2.0])
def test_saturated_outputs_have_finite_gradients(exponent):
    head = make_head(focal_exponent=exponent)
    for value in (-200.0, 200.0):
        outputs = {s: tf.fill(x.shape, value) for s, x in raw_outputs(head, 1).items()}
        values, gradients = loss_and_gradients(head, BOXES, LABELS, outputs)
        for number in tf.nest.flatten((values, gradients)):
            assert np.isfinite(number).all()


def test_box_and_class_parts_by_hand():
    head = make_head(label_smoothing=0.1)
    outputs = raw_outputs(head, 1)
    slot = slot_of(head.encode(BOXES[:, :1], LABELS[:, :1]), 16)
    values, _ = loss_and_gradients(head, BOXES[:, :1], LABELS[:, :1], outputs)
    raw = tf.reshape(outputs[16], [4, 6, 2, 8])
    predicted = head.levels[16].decode(raw[..., :4])[slot]
    box = (2 - 0.27 * 0.25) * (1 - box_ops.giou(BOXES[0, 0], predicted))
    np.testing.assert_allclose(values["box_loss_16"][0], box, rtol=1e-5)
    target = np.array([0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3])
    p = tf.sigmoid(raw[slot][5:]).numpy()
    expected = -(target * np.log(p) + (1 - target) * np.log(1 - p)).sum()
    np.testing.assert_allclose(values["class_loss_16"][0], expected, rtol=1e-5)
