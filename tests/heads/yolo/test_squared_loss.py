"""The loss of YOLOv3's paper: what the reference numbers do not cover."""

import numpy as np
import pytest
import tensorflow as tf

from tests.heads.yolo import loss_cases
from tests.heads.yolo.loss_cases import loss_and_gradients, raw_outputs, truths
from yolo_tf.config import AssignConfig, SquaredLossConfig
from yolo_tf.heads.yolo.level import Rows
from yolo_tf.heads.yolo.losses.squared import CLASS_LOSSES


def make_head(**loss):
    return loss_cases.make_head(SquaredLossConfig(**loss), assign=AssignConfig(policy="best"))


def inverse(level, box, cell, grid):
    """tx, ty, tw, th that decode to a box (yxyx) of this cell; anchor 0."""
    ymin, xmin, ymax, xmax = box
    centre = np.array([(xmin + xmax) / 2, (ymin + ymax) / 2]) * grid[::-1] - cell[::-1]
    size = np.array([xmax - xmin, ymax - ymin]) * grid[::-1] * level.stride
    return [*np.log(centre / (1 - centre)), *np.log(size / level.anchors[0])]


def test_the_last_box_of_a_slot_is_trained_alone():
    head = make_head(ignore_scope="level")
    # All three in cell (1, 2) of stride 16, with the same anchor.
    boxes = tf.constant(
        [[[0.28, 0.30, 0.55, 0.55], [0.30, 0.32, 0.56, 0.58], [0.27, 0.29, 0.57, 0.59]]]
    )
    labels = tf.constant([[0, 1, 2]])
    outputs = raw_outputs(head, 1)
    cells = head.encode(boxes, labels)["levels"][16]["cells"].numpy().reshape(3, 2)
    assert (cells == cells[0]).all()
    together = loss_and_gradients(head, boxes, labels, outputs)
    last = loss_and_gradients(head, boxes[:, 2:], labels[:, 2:], outputs)
    for a, b in zip(tf.nest.flatten(together), tf.nest.flatten(last), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_ignore_scope():
    """A cell that finds the box of another level is ignored by the paper, not by yolov3-tf2."""
    boxes, labels = tf.constant([[[0.1, 0.1, 0.6, 0.55]]]), tf.constant([[1]])
    losses = {}
    for scope in ("image", "level"):
        head = make_head(ignore_scope=scope)
        targets = head.encode(boxes, labels)
        assert targets["levels"][16]["matches"].numpy().any()
        assert not targets["levels"][32]["matches"].numpy().any()
        raw = np.full([1, 2, 3, 2, 8], -20, np.float32)
        raw[0, 0, 0, 0, :4] = inverse(head.levels[32], boxes[0, 0].numpy(), [0, 0], [2, 3])
        raw[0, 0, 0, 0, 4] = 3.0
        outputs = {**raw_outputs(head, 1), 32: tf.constant(raw.reshape(1, 2, 3, -1))}
        losses[scope] = head.loss(targets, outputs)["objectness_loss_32"][0].numpy()
    np.testing.assert_allclose(losses["image"], 0, atol=1e-6)
    np.testing.assert_allclose(losses["level"], np.log1p(np.exp(3)), rtol=1e-5)


def class_loss(kind, logits, label):
    rows = Rows(*[None] * 3, classes=tf.constant([[label]]), anchors=1)
    level = make_head().levels[16]
    return CLASS_LOSSES[kind](rows, tf.constant([[logits]], tf.float32), level).numpy()[0, 0]


def test_normalized_sigmoid():
    np.testing.assert_allclose(
        class_loss("normalized_sigmoid", [2, -1, 0.5], 0), 0.69915, atol=5e-6
    )
    # Finite where every sigmoid is 0 or 1 to float32.
    np.testing.assert_allclose(class_loss("normalized_sigmoid", [-200, -300, -300], 0), 0)
    np.testing.assert_allclose(class_loss("normalized_sigmoid", [-200, 90, -300], 0), 200)


@pytest.mark.parametrize("label", [0, 1])
def test_bce(label):
    probability = 1 / (1 + np.exp([-2.0, 1.0, -0.5]))
    truth = np.arange(3) == label
    expected = -np.log(np.where(truth, probability, 1 - probability)).sum()
    np.testing.assert_allclose(class_loss("bce", [2, -1, 0.5], label), expected, rtol=1e-6)


def test_box_loss_by_hand():
    head = make_head()
    boxes, labels = tf.constant([[[0.30, 0.35, 0.55, 0.60]]]), tf.constant([[1]])
    outputs = raw_outputs(head, 1)
    targets = head.encode(boxes, labels)["levels"][16]
    ((_, _, _, anchor),) = np.argwhere(targets["matches"].numpy())
    row, col = targets["cells"].numpy().reshape(2)
    tx, ty, tw, th = tf.reshape(outputs[16], [4, 6, 2, 8])[row, col, anchor, :4].numpy()
    sigmoid = 1 / (1 + np.exp([-tx, -ty]))
    centre = np.array([0.475 * 6 - col, 0.425 * 4 - row])
    size = np.log(np.array([0.25 * 96, 0.25 * 64]) / head.levels[16].anchors[anchor])
    squares = ((centre - sigmoid) ** 2).sum() + ((size - [tw, th]) ** 2).sum()
    values, _ = loss_and_gradients(head, boxes, labels, outputs)
    np.testing.assert_allclose(values["box_loss"][0], (2 - 0.25**2) * squares, rtol=1e-5)


def test_each_image_counts_for_itself():
    head = make_head()
    boxes, labels = truths([0, 5, 2], 6)
    outputs = raw_outputs(head, 3)
    together, _ = loss_and_gradients(head, boxes, labels, outputs)
    for i in range(3):
        one = {s: raw[i : i + 1] for s, raw in outputs.items()}
        alone, _ = loss_and_gradients(head, boxes[i : i + 1], labels[i : i + 1], one)
        for name in head.value_names():
            np.testing.assert_allclose(together[name][i], alone[name][0], rtol=1e-4, atol=1e-6)
