"""What holds for every YOLO loss."""

import numpy as np
import pytest
import tensorflow as tf

from tests.heads.yolo.loss_cases import (
    ANCHORS,
    SIZE,
    loss_and_gradients,
    make_head,
    raw_outputs,
    truths,
)
from yolo_tf import config
from yolo_tf.config import AssignConfig, YoloHeadConfig
from yolo_tf.errors import UserError
from yolo_tf.heads.yolo.head import LOSSES, YoloHead

# Name -> head. The settings are those that go with the loss, and ways through it.
HEADS = {
    "darknet": {"loss": config.DarknetLossConfig(gradient="analytic")},
    "scaled": {
        "loss": config.ScaledLossConfig(),
        "codec": "scaled",
        "scale_xy": {16: 2.0, 32: 2.0},
        "assign": AssignConfig(threshold=4.0, neighbour_cells=True),
    },
    "scaled_ignore": {
        "loss": config.ScaledLossConfig(
            iou_type="giou",
            ignore_threshold=0.3,
            objectness_smooth=0.5,
            label_smoothing=0.1,
            update_on_repeat=False,
        )
    },
    "squared": {"loss": config.SquaredLossConfig(), "assign": AssignConfig(policy="best")},
    "squared_tf2": {
        "loss": config.SquaredLossConfig(ignore_scope="level", class_loss="normalized_sigmoid")
    },
    "squared_softmax": {"loss": config.SquaredLossConfig(), "class_activation": "softmax"},
    "gaussian": {"loss": config.GaussianLossConfig(gradient="analytic"), "codec": "gaussian"},
    "gaussian_mse": {
        "loss": config.GaussianLossConfig("mse", gradient="analytic"),
        "codec": "gaussian",
    },
    "focal": {
        "loss": config.FocalGiouLossConfig(),
        "assign": AssignConfig(policy="cell_iou", threshold=0.3),
    },
}
each_head = pytest.mark.parametrize("name", HEADS)


def test_every_loss_is_tested():
    assert {type(settings["loss"]) for settings in HEADS.values()} == set(LOSSES)


@each_head
@pytest.mark.parametrize("counts", [[0], [1], [0, 7, 3]])
def test_padding_changes_nothing(name, counts):
    head = make_head(**HEADS[name])
    outputs = raw_outputs(head, len(counts))
    boxes, labels = truths(counts, 7)
    # The same boxes in the same order, with padding between them.
    places = [0, 3, 4, 9, 12, 17, 19]
    many = np.zeros([len(counts), 20, 4], np.float32), np.full([len(counts), 20], -1, np.int32)
    many[0][:, places], many[1][:, places] = boxes, labels
    results = [
        loss_and_gradients(head, boxes, labels, outputs),
        loss_and_gradients(head, *many, outputs),
    ]
    assert set(results[0][0]) == set(head.value_names())
    for a, b in zip(*(tf.nest.flatten(result) for result in results), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        assert np.isfinite(a).all()


@each_head
def test_no_rows_at_all(name):
    head = make_head(**HEADS[name])
    outputs = raw_outputs(head, 2)
    none = loss_and_gradients(head, *truths([0, 0], 0), outputs)
    padding = loss_and_gradients(head, *truths([0, 0], 4), outputs)
    for a, b in zip(tf.nest.flatten(none), tf.nest.flatten(padding), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


@each_head
def test_image_without_boxes_has_objectness_loss_alone(name):
    head = make_head(**HEADS[name])
    values, _ = loss_and_gradients(head, *truths([0, 6], 6), raw_outputs(head, 2))
    for part in ("box_loss", "class_loss", "avg_iou", "avg_obj"):
        assert values[part][0] == 0, part
        assert values[part][1] > 0, part
    assert values["objectness_loss"][0] > 0


@pytest.mark.parametrize("name", ["scaled_ignore", "squared_tf2", "squared_softmax"])
def test_xla_gives_the_same_numbers(name):
    """The others are in tests/test_compiled.py."""
    head = make_head(**HEADS[name])
    boxes, labels = truths([3, 6, 0], 6)
    outputs = raw_outputs(head, 3)
    plain = loss_and_gradients(head, boxes, labels, outputs)
    compiled = loss_and_gradients(head, boxes, labels, outputs, jit=True)
    for a, b in zip(tf.nest.flatten(plain), tf.nest.flatten(compiled), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@each_head
def test_half_precision_outputs_are_computed_in_float32(name):
    head = make_head(**HEADS[name])
    boxes, labels = truths([3, 6], 6)
    half = {s: tf.cast(x, tf.float16) for s, x in raw_outputs(head, 2).items()}
    values, gradients = loss_and_gradients(head, boxes, labels, half)
    same = {s: tf.cast(x, tf.float32) for s, x in half.items()}
    expected, _ = loss_and_gradients(head, boxes, labels, same)
    assert all(gradient.dtype == tf.float16 for gradient in gradients.values())
    for value in values:
        assert values[value].dtype == tf.float32
        np.testing.assert_allclose(values[value], expected[value], rtol=1e-6)


@each_head
def test_gradient_is_that_of_the_loss(name):
    settings = {**HEADS[name], "loss": type(HEADS[name]["loss"])(**vars(HEADS[name]["loss"]))}
    settings["loss"].ignore_threshold = 1.0  # the search is a step
    if hasattr(settings["loss"], "iou_type"):
        settings["loss"].iou_type = "giou"  # CIoU's weight is a constant in its gradient
    if hasattr(settings["loss"], "objectness_smooth"):
        settings["loss"].objectness_smooth = 0.0  # so is a target that depends on the output
    head = make_head(**settings)
    boxes, labels = truths([3, 5], 5)
    outputs = raw_outputs(head, 2)
    _, gradients = loss_and_gradients(head, boxes, labels, outputs)
    direction = {s: tf.sign(g) for s, g in gradients.items()}
    step = 1e-3
    ends = []
    for sign in (1, -1):
        moved = {s: x + sign * step * direction[s] for s, x in outputs.items()}
        ends.append(tf.reduce_sum(head.loss(head.encode(boxes, labels), moved)["loss"]))
    slope = sum(tf.reduce_sum(gradients[s] * direction[s]) for s in outputs)
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * step), slope, rtol=1e-2)


@each_head
def test_outputs_learn(name):
    """Steps by the sign of the gradient, on the outputs themselves."""
    head = make_head(**HEADS[name])
    boxes, labels = truths([2, 4], 4)
    outputs = {s: tf.Variable(x) for s, x in raw_outputs(head, 2).items()}
    targets = head.encode(boxes, labels)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            values = head.loss(targets, {s: x.value() for s, x in outputs.items()})
            total = tf.reduce_sum(values["loss"])
        for x, gradient in zip(
            outputs.values(), tape.gradient(total, list(outputs.values())), strict=True
        ):
            x.assign_sub(0.03 * tf.sign(gradient))
        return values

    first = {key: value.numpy() for key, value in step().items()}
    for _ in range(200):
        last = step()
    assert (last["loss"].numpy() < 0.5 * first["loss"]).all()
    assert (last["avg_iou"].numpy() > first["avg_iou"]).all()
    assert (last["avg_obj"].numpy() > first["avg_obj"]).all()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (config.ScaledLossConfig(iou_type="mse"), "config.head.loss.iou_type: found 'mse'"),
        (config.SquaredLossConfig(class_loss="ce"), "config.head.loss.class_loss: found 'ce'"),
        (config.SquaredLossConfig(ignore_scope="all"), "ignore_scope: found 'all', expected one"),
        (config.GaussianLossConfig(), "found 'exp', expected one of gaussian, which GaussianLossC"),
        (3, "config.head.loss: found int, expected one of DarknetLossConfig, ScaledLossConfig"),
    ],
)
def test_wrong_settings_are_refused(loss, message):
    with pytest.raises(UserError) as caught:
        make_head(loss)
    assert message in str(caught.value)


def test_a_choice_of_one_level_is_checked():
    changes = {16: {"iou_type": "mse"}}
    head = YoloHeadConfig(anchors=ANCHORS, loss=config.ScaledLossConfig(), loss_by_stride=changes)
    with pytest.raises(UserError, match=r"loss_by_stride\[16\].iou_type: found 'mse'"):
        YoloHead(head, 3, SIZE)
