"""Gaussian YOLOv3: scores, and the gradients that Darknet's layer writes by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tests.heads.yolo.loss_cases import ANCHORS, SIZE, loss_and_gradients, make_head, raw_outputs
from yolo_tf.config import GaussianLossConfig
from yolo_tf.heads.yolo.losses.gaussian import minus_log_likelihood

BOX = (0.3, 0.4, 0.55, 0.75)  # yxyx
SCALE = 1.2


def sigmoid(x):
    return 1 / (1 + np.exp(-np.float64(x)))


def head_of(**loss):
    return make_head(
        GaussianLossConfig(**loss), codec="gaussian", scale_xy=dict.fromkeys(ANCHORS, SCALE)
    )


def gradients_of(head, raw):
    boxes = tf.constant([[BOX]], tf.float32)
    _, gradients = loss_and_gradients(head, boxes, tf.constant([[1]]), raw)
    return {s: g.numpy().reshape(*g.shape[1:3], 2, 12) for s, g in gradients.items()}


def densities(row, stride, place, anchor):
    """Distances from the means, deviations and densities of BOX: x, y, width, height."""
    y1, x1, y2, x2 = np.float64(BOX)
    grid = np.array([SIZE[1], SIZE[0]]) / stride
    centre = np.array([x1 + x2, y1 + y2]) / 2 * grid - place[::-1]
    size = np.log(np.array([x2 - x1, y2 - y1]) * [SIZE[1], SIZE[0]] / anchor)
    means = np.concatenate([sigmoid(row[:4:2]) * SCALE - (SCALE - 1) / 2, row[4:8:2]])
    off, deviation = np.concatenate([centre, size]) - means, sigmoid(row[1:8:2])
    density = np.exp(-((off / deviation) ** 2) / 2) / (np.sqrt(2 * np.pi) * (deviation + 0.3))
    return off, deviation, density


@pytest.mark.parametrize(("iou_type", "max_delta"), [("mse", 1e9), ("giou", 1e9), ("mse", 0.02)])
def test_gradients_are_those_that_darknet_writes_by_hand(iou_type, max_delta):
    head = head_of(
        iou_type=iou_type, box_normalizer=0.5, uncertainty_normalizer=0.8, max_delta=max_delta
    )
    raw = raw_outputs(head, 1)
    targets = head.encode(tf.constant([[BOX]]), tf.constant([[1]]))
    found = gradients_of(head, raw)
    trained = 0
    for stride, gradient in found.items():
        (row, col) = targets["levels"][stride]["cells"][0, 0, 0].numpy()
        matches = targets["levels"][stride]["matches"][0, 0, 0].numpy()
        values = raw[stride].numpy().reshape(gradient.shape).astype(np.float64)
        for anchor in range(2):
            if not matches[anchor]:
                assert not gradient[row, col, anchor, :8].any()
                continue
            off, deviation, density = densities(
                values[row, col, anchor], stride, (row, col), ANCHORS[stride][anchor]
            )
            y1, x1, y2, x2 = BOX
            share = (2 - (y2 - y1) * (x2 - x1)) / 2 * density / (density + 1e-9)
            means = 0.5 * share * off / deviation**2
            deviations = 0.8 * share * (off**2 / deviation**3 - 1 / (deviation + 0.3))
            clip = np.clip([means, deviations], -max_delta, max_delta)
            np.testing.assert_allclose(
                -gradient[row, col, anchor, 1:8:2], clip[1], rtol=1e-3, atol=1e-9
            )
            if iou_type == "mse":
                np.testing.assert_allclose(
                    -gradient[row, col, anchor, :8:2], clip[0], rtol=1e-3, atol=1e-9
                )
            trained += 1
    assert trained


def test_unsure_boxes_have_lower_scores():
    head = head_of()
    raw = raw_outputs(head, 1)
    boxes, scores = head.decode(raw)
    assert boxes.shape[2] == 4
    first = raw[16].numpy().reshape(-1, 12)[0].astype(np.float64)
    expected = sigmoid(first[8]) * sigmoid(first[9:]) * (1 - sigmoid(first[1:8:2]).mean())
    np.testing.assert_allclose(scores[0, 0], expected, rtol=1e-5)


def test_likelihood_is_finite_everywhere():
    off = tf.constant([0.0, 1e-9, 3.0, 1e9, -1e30])
    for deviation in (0.0, 1e-38, 1e-3, 0.5, 1.0):
        deviations = tf.fill(off.shape, deviation)
        with tf.GradientTape() as tape:
            tape.watch([off, deviations])
            value = minus_log_likelihood(off, deviations)
        assert np.isfinite(value)
        assert all(np.isfinite(g).all() for g in tape.gradient(value, [off, deviations]))
