"""The SSD head: levels, order of the outputs, decoding, prior bias and wrong settings."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.config import SsdHeadConfig
from yolo_tf.errors import UserError
from yolo_tf.heads.ssd.head import SsdHead
from yolo_tf.heads.ssd.priors import encode_offsets
from yolo_tf.ops.boxes import yxyx_to_cxcywh

SIZE = (72, 96)  # not square, and 72 / 16 is not whole
CLASSES = 3
CONFIG = SsdHeadConfig(
    aspect_ratios={16: (1.0, 2.0), 32: (1.0,)}, scales=(0.2, 0.5, 0.9), neutral_iou=0.4
)
LOW_HIGH = [[[0.1, 0.1, 0.35, 0.3], [0.5, 0.4, 0.9, 0.95]], [[0.2, 0.3, 0.6, 0.8], [0, 0, 0, 0]]]
LABELS = [[0, 2], [1, -1]]


def make(config=CONFIG, size=SIZE, classes=CLASSES, **changes):
    return SsdHead(dataclasses.replace(config, **changes), classes, size)


def random_outputs(head, images=2, seed=0, dtype=tf.float32):
    random = np.random.default_rng(seed)
    return {
        stride: tf.constant(
            random.normal(size=(images, *head.grid(stride), head.output_channels(stride))), dtype
        )
        for stride in head.strides
    }


def encoded(head):
    return head.encode(tf.constant(LOW_HIGH), tf.constant(LABELS))


def test_levels_round_up():
    head = make()
    assert head.strides == (16, 32)
    assert [head.grid(stride) for stride in head.strides] == [(5, 6), (3, 3)]
    assert [head.output_channels(stride) for stride in head.strides] == [3 * 8, 2 * 8]
    assert head.priors.shape == (5 * 6 * 3 + 3 * 3 * 2, 4)
    assert head.anchor_sizes().shape == (5, 2)


def test_priors_fill_the_input_unless_steps_are_given():
    head, stepped = make(), make(steps={16: 16})
    np.testing.assert_allclose(head.priors_cxcywh[0, :2], [8 / 96, 7.2 / 72])
    np.testing.assert_allclose(stepped.priors_cxcywh[0, :2], [8 / 96, 8 / 72])
    np.testing.assert_allclose(stepped.priors_cxcywh[90:], head.priors_cxcywh[90:])


def test_steps_may_differ_down_and_across():
    head = make(steps={16: (14, 20.0)})
    np.testing.assert_allclose(head.priors_cxcywh[0, :2], [10 / 96, 7 / 72])
    np.testing.assert_allclose(head.priors_cxcywh[7 * 3, :2], [30 / 96, 21 / 72])  # row 1, column 1
    np.testing.assert_allclose(head.priors_cxcywh[90:], make().priors_cxcywh[90:])


def test_sides_are_shares_of_the_shorter_side():
    sizes = make().priors_cxcywh[0, 2:] * [96, 72]
    np.testing.assert_allclose(sizes, [14.4, 14.4], rtol=1e-6)


def test_priors_may_be_clipped():
    assert make().priors.min() < 0
    assert make(clip=True).priors.min() >= 0


def test_untrained_outputs_are_priors_and_mostly_background():
    head = make()
    bias = {s: np.tile(head.output_bias(s), [1, *head.grid(s), 1]) for s in head.strides}
    boxes, scores = head.decode({s: tf.constant(b) for s, b in bias.items()})
    np.testing.assert_allclose(boxes[0], head.priors, atol=1e-6)
    # One of four trained priors has an object, of any class.
    np.testing.assert_allclose(tf.reduce_sum(scores, -1), np.full(scores.shape[:2], 0.25), 1e-5)


def test_boxes_come_back_from_their_offsets():
    head = make()
    targets = encoded(head)
    rows = np.maximum(targets["match"].numpy(), 0)
    truth = tf.gather(targets["boxes"], rows, batch_dims=1)
    offsets = encode_offsets(yxyx_to_cxcywh(truth), head.priors_cxcywh, CONFIG.variances)
    labels = tf.gather(targets["classes"], rows, batch_dims=1) + 1
    flat = tf.concat([10 * tf.one_hot(labels, 1 + CLASSES), offsets], axis=-1)
    outputs, start = {}, 0
    for stride in head.strides:
        shape = [2, *head.grid(stride), head.output_channels(stride)]
        end = start + int(np.prod(shape[1:])) // 8
        outputs[stride] = tf.reshape(flat[:, start:end], shape)
        start = end

    boxes, scores = head.decode(outputs)
    positive = rows > 0
    assert sorted(set(rows[0][positive[0]])) == [1, 2]
    np.testing.assert_allclose(boxes[positive], truth[positive], atol=1e-5)
    np.testing.assert_array_equal(np.argmax(scores[positive], -1) + 1, labels[positive])
    assert np.max(scores[~positive]) < 0.01
    values = head.loss(targets, outputs)
    assert np.max(values["box_loss"]) < 1e-6
    np.testing.assert_allclose(values["avg_iou"], 1, atol=1e-5)


def test_loss_returns_the_names_it_announces():
    head = make()
    values = head.loss(encoded(head), random_outputs(head))
    assert sorted(values) == sorted(head.value_names())
    assert {(value.shape.as_list()[0], value.dtype) for value in values.values()} == {
        (2, tf.float32)
    }


def test_padding_rows_change_nothing():
    head = make()
    outputs = random_outputs(head)
    expected = head.loss(encoded(head), outputs)
    boxes = np.insert(np.array(LOW_HIGH, np.float32), [0, 1, 2], 0, axis=1)
    labels = np.insert(LABELS, [0, 1, 2], -1, axis=1)
    targets = head.encode(tf.constant(boxes), tf.constant(labels, tf.int32))
    for name, value in head.loss(targets, outputs).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-6)


@pytest.mark.parametrize("scope", ["image", "batch"])
def test_graph_and_xla_give_the_same_loss_and_gradients(scope):
    head = make(mining_scope=scope)
    targets, outputs = encoded(head), random_outputs(head)

    def step(outputs):
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            values = head.loss(targets, outputs)
        return values, tape.gradient(values["loss"], outputs)

    values, gradients = tf.function(step)(outputs)
    xla_values, xla_gradients = tf.function(step, jit_compile=True)(outputs)
    for name, value in values.items():
        np.testing.assert_allclose(xla_values[name], value, rtol=1e-5, err_msg=name)
    for stride, gradient in gradients.items():
        np.testing.assert_allclose(xla_gradients[stride], gradient, atol=1e-5)


def test_half_precision_outputs_are_computed_in_float32():
    head = make()
    half = random_outputs(head, dtype=tf.bfloat16)
    wide = {stride: tf.cast(output, tf.float32) for stride, output in half.items()}
    targets = encoded(head)
    np.testing.assert_array_equal(
        head.loss(targets, half)["loss"], head.loss(targets, wide)["loss"]
    )
    assert head.decode(half)[0].dtype == tf.float32


@pytest.mark.parametrize("boxes", [0, 1, 40])
def test_any_number_of_boxes(boxes):
    head = make()
    random = np.random.default_rng(2)
    low = random.uniform(0, 0.6, (2, boxes, 2))
    corners = np.concatenate([low, low + 0.3], -1).astype(np.float32)
    targets = head.encode(tf.constant(corners), tf.zeros([2, boxes], tf.int32))
    values = head.loss(targets, random_outputs(head))
    assert all(np.isfinite(value).all() for value in values.values())
    assert np.all(values["positives"].numpy() >= min(boxes, 1))


def test_a_network_with_other_cells_is_refused():
    head = make()
    with pytest.raises(ValueError, match=r"level 16: .*expected \(5, 6\) cells"):
        head.decode({16: tf.zeros([1, 4, 6, 24]), 32: tf.zeros([1, 3, 3, 16])})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aspect_ratios": {}}, "aspect_ratios is empty"),
        ({"aspect_ratios": {16: ()}}, r"aspect_ratios\[16\]: found \(\)"),
        ({"aspect_ratios": {16: (1.0, -2.0)}}, r"aspect_ratios\[16\]: found \(1.0, -2.0\)"),
        ({"scales": (0.1, 0.2)}, r"scales: found \(0.1, 0.2\), expected 3 numbers above 0"),
        ({"scales": (0.1, 0.2, 0.0)}, "scales: .*, expected 3 numbers above 0"),
        ({"steps": {8: 8}}, r"steps\[8\]: aspect_ratios have no such level, they have \[16, 32\]"),
        (
            {"steps": {16: (16, 16, 16)}},
            r"steps\[16\]: found \(16, 16, 16\), expected pixels above 0",
        ),
        ({"steps": {16: (16, 0)}}, r"steps\[16\]: found \(16, 0\), expected pixels above 0"),
        ({"matching": "best"}, "matching: found 'best', expected one of multi, bipartite"),
        ({"mining_scope": "all"}, "mining_scope: found 'all', expected one of image, batch"),
    ],
)
def test_wrong_settings(changes, message):
    with pytest.raises(UserError, match=f"config.head.{message}"):
        make(**changes)


def test_no_classes():
    with pytest.raises(UserError, match="number of classes: found 0"):
        make(classes=0)
