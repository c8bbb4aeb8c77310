"""The Darknet loss: corner cases that the reference numbers do not cover."""

import numpy as np
import pytest
import tensorflow as tf

from tests.heads.yolo import loss_cases
from tests.heads.yolo.loss_cases import ANCHORS, SIZE, loss_and_gradients, raw_outputs, truths
from yolo_tf.config import AssignConfig, DarknetLossConfig, YoloHeadConfig
from yolo_tf.errors import UserError
from yolo_tf.heads.yolo.head import YoloHead


def make_head(classes=3, **loss):
    return loss_cases.make_head(DarknetLossConfig(**loss), classes)


@pytest.mark.parametrize("gradient", ["darknet", "analytic"])
@pytest.mark.parametrize("counts", [[0], [1], [0, 7, 3]])
def test_padding_changes_nothing(counts, gradient):
    head = make_head(gradient=gradient)
    outputs = raw_outputs(head, len(counts))
    results = []
    for limit in (7, 40):
        boxes, labels = truths(counts, limit)
        results.append(loss_and_gradients(head, boxes, labels, outputs))
    for few, many in zip(*(tf.nest.flatten(result) for result in results), strict=True):
        np.testing.assert_allclose(few, many, rtol=1e-5, atol=1e-6)
        assert np.isfinite(few).all()


def test_image_without_boxes_has_objectness_loss_alone():
    head = make_head()
    boxes, labels = truths([0, 4], 5)
    values, _ = loss_and_gradients(head, boxes, labels, raw_outputs(head, 2))
    assert values["box_loss"][0] == 0
    assert values["class_loss"][0] == 0
    assert values["objectness_loss"][0] > 0
    assert values["box_loss"][1] > 0


def test_each_image_counts_for_itself():
    head = make_head()
    boxes, labels = truths([0, 5, 2], 6)
    outputs = raw_outputs(head, 3)
    together, _ = loss_and_gradients(head, boxes, labels, outputs)
    for image in range(3):
        one = slice(image, image + 1)
        alone, _ = loss_and_gradients(
            head, boxes[one], labels[one], {s: raw[one] for s, raw in outputs.items()}
        )
        for name in head.value_names():
            np.testing.assert_allclose(together[name][image], alone[name][0], rtol=1e-4, atol=1e-6)


def test_xla_gives_the_same_numbers():
    head = make_head(objectness_smooth=0.5, label_smoothing=0.1)
    boxes, labels = truths([3, 6], 6)
    outputs = raw_outputs(head, 2)
    plain = loss_and_gradients(head, boxes, labels, outputs)
    compiled = loss_and_gradients(head, boxes, labels, outputs, jit=True)
    for a, b in zip(tf.nest.flatten(plain), tf.nest.flatten(compiled), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_analytic_gradient_is_the_derivative_of_the_loss():
    # No ignore search: its threshold is a step.
    head = make_head(gradient="analytic", ignore_threshold=0.0, iou_type="diou")
    boxes, labels = truths([2], 2)
    outputs = raw_outputs(head, 1)
    _, gradients = loss_and_gradients(head, boxes, labels, outputs)
    stride = max(ANCHORS, key=lambda s: np.abs(gradients[s]).max())
    index = np.unravel_index(np.abs(gradients[stride]).argmax(), gradients[stride].shape)
    step = np.zeros(gradients[stride].shape, np.float32)
    step[index] = 1e-2
    ends = [
        loss_and_gradients(head, boxes, labels, {**outputs, stride: outputs[stride] + sign * step})
        for sign in (1, -1)
    ]
    slope = (ends[0][0]["loss"][0] - ends[1][0]["loss"][0]) / 2e-2
    np.testing.assert_allclose(slope, gradients[stride][index], rtol=2e-2)


def test_perfect_prediction_has_hardly_any_loss():
    head = make_head(classes=2)
    boxes = tf.constant([[[0.25, 0.25, 0.5, 0.5]]], tf.float32)
    labels = tf.constant([[1]], tf.int32)
    targets = head.encode(boxes, labels)
    outputs = {}
    for stride, level in head.levels.items():
        raw = np.full([1, SIZE[0] // stride, SIZE[1] // stride, 2, 7], -20.0, np.float32)
        level_targets = targets["levels"][stride]
        for _, shift, anchor in np.argwhere(level_targets["matches"][0].numpy()):
            row, col = level_targets["cells"][0, 0, shift].numpy()
            centre = np.array([0.375 * SIZE[1], 0.375 * SIZE[0]]) / stride - [col, row]
            size = np.log(np.array([24, 16]) / level.anchors[anchor])
            xy = np.log(np.clip(centre, 1e-6, 1) / np.clip(1 - centre, 1e-6, 1))
            raw[0, row, col, anchor] = [*xy, *size, 20, -20, 20]
        outputs[stride] = tf.constant(raw.reshape(*raw.shape[:3], -1))
    values = head.loss(targets, outputs)
    assert values["loss"][0] < 1e-3
    np.testing.assert_allclose(values["avg_obj"][0], 0.5, atol=0.5)
    decoded, scores = head.decode(outputs)
    best = np.argmax(scores[0, :, 1])
    np.testing.assert_allclose(decoded[0, best], boxes[0, 0], atol=1e-4)


def test_level_settings_override():
    config = YoloHeadConfig(anchors=ANCHORS, loss_by_stride={32: {"objectness_normalizer": 0.0}})
    head = YoloHead(config, 3, SIZE)
    boxes, labels = truths([2], 2)
    values, _ = loss_and_gradients(head, boxes, labels, raw_outputs(head, 1))
    assert values["objectness_loss_32"][0] == 0
    assert values["objectness_loss_16"][0] > 0


@pytest.mark.parametrize("classes", [1, 2, 80])
def test_output_bias_is_a_sensible_prior(classes):
    head = make_head(classes=classes)
    bias = head.output_bias(16).reshape(2, 5 + classes)
    assert bias.size == head.output_channels(16)
    assert (bias[:, :4] == 0).all()
    assert (bias[:, 4] < 0).all()
    assert (bias[:, 5:] <= 0).all()


@pytest.mark.parametrize(
    ("changes", "size", "message"),
    [
        ({"anchors": {}}, SIZE, "anchors is empty"),
        ({"codec": "log"}, SIZE, "config.head.codec: found 'log', expected one of exp"),
        ({"assign": AssignConfig(policy="any")}, SIZE, "assign.policy: found 'any'"),
        ({"loss": DarknetLossConfig(iou_type="iuo")}, SIZE, "loss.iou_type: found 'iuo'"),
        ({}, (64, 100), "width 100 is not a multiple of the stride 16"),
        ({"anchors": {16: ((1, 0),)}}, SIZE, "positive pixels"),
        ({"loss_by_stride": {32: {"objectnes": 1}}}, SIZE, "objectnes"),
    ],
)
def test_wrong_settings_are_refused(changes, size, message):
    config = YoloHeadConfig(**({"anchors": ANCHORS} | changes))
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        YoloHead(config, 3, size)


def test_squared_error_has_darknets_gradient():
    """algorithms.md 4.6: delta = normaliser (2 - w h) (target - output) on x, y, tw, th."""
    head = make_head(iou_type="mse", box_normalizer=0.75, ignore_threshold=0)
    boxes = tf.constant([[[0.30, 0.35, 0.55, 0.60]]])
    labels = tf.constant([[1]])
    outputs = raw_outputs(head, 1)
    values, gradients = loss_and_gradients(head, boxes, labels, outputs)
    targets = head.encode(boxes, labels)
    checked = 0
    for stride, level in head.levels.items():
        matches = targets["levels"][stride]["matches"][0, 0, 0].numpy()
        row, col = targets["levels"][stride]["cells"][0, 0, 0].numpy()
        shape = [SIZE[0] // stride, SIZE[1] // stride, len(matches), 8]
        raw, gradient = (
            tf.reshape(x[stride], shape)[row, col].numpy() for x in (outputs, gradients)
        )
        for anchor in np.flatnonzero(matches):
            tx, ty, tw, th = raw[anchor, :4]
            out = [1 / (1 + np.exp(-tx)), 1 / (1 + np.exp(-ty)), tw, th]
            size = np.log([0.25 * SIZE[1], 0.25 * SIZE[0]] / level.anchors[anchor])
            target = [0.475 * shape[1] - col, 0.425 * shape[0] - row, *size]
            expected = 0.75 * (2 - 0.25**2) * (np.array(out) - target)
            np.testing.assert_allclose(gradient[anchor, :4], expected, rtol=1e-4, atol=1e-5)
            checked += 1
    assert checked
    assert values["box_loss"] > 0


@pytest.mark.parametrize("codec", ["exp", "scaled"])
def test_analytic_gradient_is_that_of_the_reported_loss(codec):
    config = YoloHeadConfig(
        anchors=ANCHORS, codec=codec, loss=DarknetLossConfig(iou_type="mse", gradient="analytic")
    )
    head = YoloHead(config, 3, SIZE)
    boxes, labels = truths([3], 4)
    outputs = raw_outputs(head, 1)
    values, gradients = loss_and_gradients(head, boxes, labels, outputs)
    step = 1e-3
    direction = {s: tf.sign(g) for s, g in gradients.items()}
    moved = {s: x + step * direction[s] for s, x in outputs.items()}
    after = head.loss(head.encode(boxes, labels), moved)
    slope = sum(tf.reduce_sum(gradients[s] * direction[s]) for s in outputs)
    found = (
        after["box_loss"] + after["class_loss"] - values["box_loss"] - values["class_loss"]
    ) / step
    objectness = (after["objectness_loss"] - values["objectness_loss"]) / step
    np.testing.assert_allclose(found + objectness, slope, rtol=0.05)


def test_softmax_classes():
    config = YoloHeadConfig(anchors=ANCHORS, class_activation="softmax")
    head = YoloHead(config, 3, SIZE)
    boxes, labels = truths([2, 0], 3)
    outputs = raw_outputs(head, 2)
    _, scores = head.decode(outputs)
    raw = tf.reshape(outputs[16], [2, -1, 8])
    np.testing.assert_allclose(
        tf.reduce_sum(scores[:, : raw.shape[1]], axis=-1), tf.sigmoid(raw[..., 4]), rtol=1e-5
    )
    values, gradients = loss_and_gradients(head, boxes, labels, outputs, jit=True)
    assert values["class_loss"][0] > 0
    assert values["class_loss"][1] == 0
    # The gradient of a softmax over the classes sums to 0.
    classes = tf.reshape(gradients[16], [2, -1, 8])[..., 5:]
    np.testing.assert_allclose(tf.reduce_sum(classes, axis=-1), 0, atol=1e-5)
