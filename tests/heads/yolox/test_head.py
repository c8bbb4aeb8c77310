"""The head and the loss of YOLOX: corner cases that the reference numbers do not cover."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.heads.yolox.boxes import SIZE, STRIDES, random_outputs, random_truths
from yolo_tf.config import SimotaConfig, YoloxHeadConfig
from yolo_tf.errors import UserError
from yolo_tf.heads.yolox.head import YoloxHead

PARTS = ("box_loss", "objectness_loss", "class_loss", "l1_loss")


def make_head(classes=3, size=SIZE, **settings):
    return YoloxHead(YoloxHeadConfig(**settings), classes, size)


def loss_and_gradients(head, boxes, labels, outputs, jit=False):
    boxes, labels = tf.constant(boxes), tf.constant(labels)

    @tf.function(jit_compile=jit, autograph=False)
    def run(outputs):
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            values = head.loss(head.encode(boxes, labels), outputs)
            total = tf.reduce_mean(values["loss"])
        return values, tape.gradient(total, outputs)

    return run(outputs)


def assert_same(one, other, rtol=1e-4, atol=1e-5):
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def test_the_local_normalizer_alone_stays_on_its_replica():
    """A sum over replicas cannot be compiled; both divide by counts of more than one image."""
    heads = [make_head(normalizer=name) for name in ("global", "local")]
    assert [head.across_replicas for head in heads] == [True, False]
    assert not any(head.by_image for head in heads)


@pytest.mark.parametrize("iou_type", ["iou", "giou"])
@pytest.mark.parametrize("counts", [[0], [1], [0, 7, 3]])
def test_padding_changes_nothing(counts, iou_type):
    head = make_head(iou_type=iou_type, l1=True)
    outputs = random_outputs(len(counts))
    boxes, labels = random_truths(counts, 7)
    results = [loss_and_gradients(head, boxes, labels, outputs)]
    more = (
        np.pad(boxes, [[0, 0], [13, 20], [0, 0]]),
        np.pad(labels, [[0, 0], [13, 20]], constant_values=-1),
    )
    results.append(loss_and_gradients(head, *more, outputs))
    assert set(results[0][0]) == set(head.value_names())
    assert_same(*results, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 3])
def test_batch_without_a_row_of_boxes(batch):
    """Validation pads to the fullest image, which may have none."""
    head, outputs = make_head(l1=True), random_outputs(batch)
    spec = [tf.TensorSpec([None, None, 4]), tf.TensorSpec([None, None], tf.int32)]
    loss = tf.function(
        lambda boxes, labels: head.loss(head.encode(boxes, labels), outputs), input_signature=spec
    )
    values = loss(tf.zeros([batch, 0, 4]), tf.zeros([batch, 0], tf.int32))
    padded, _ = loss_and_gradients(head, *random_truths([0] * batch, 5), outputs)
    assert_same(values, padded)
    for part in ("box_loss", "class_loss", "l1_loss", "foregrounds", "avg_iou"):
        assert (values[part].numpy() == 0).all()
    assert (values["objectness_loss"].numpy() > 0).all()


def test_xla_gives_the_same_numbers():
    for settings in ({}, {"l1": True, "iou_type": "giou", "objectness_normalizer": "cells"}):
        head, outputs = make_head(**settings), random_outputs(3)
        truths = random_truths([9, 0, 4], 9)
        plain = loss_and_gradients(head, *truths, outputs)
        assert_same(plain, loss_and_gradients(head, *truths, outputs, jit=True))


def test_parts_are_those_of_the_batch():
    """Matches are found by image, and all images share one divisor."""
    head, outputs = make_head(l1=True), random_outputs(3)
    boxes, labels = random_truths([5, 0, 2], 6)
    together, _ = loss_and_gradients(head, boxes, labels, outputs)
    found = together["foregrounds"].numpy()
    assert found[0] > found[2] > 0 == found[1]
    for image in range(3):
        one = slice(image, image + 1)
        few = {s: raw[one] for s, raw in outputs.items()}
        alone, _ = loss_and_gradients(head, boxes[one], labels[one], few)
        assert alone["foregrounds"][0] == found[image]
        for part in (*PARTS, "loss", "avg_iou"):
            whole = together[part][image] * found.sum() / 3
            np.testing.assert_allclose(
                whole, alone[part][0] * max(found[image], 1), rtol=1e-4, atol=1e-6
            )


def test_weights_and_normalisers():
    outputs, truths = random_outputs(2), random_truths([4, 3], 4)
    base, _ = loss_and_gradients(make_head(l1=True), *truths, outputs)
    weights = {"box_weight": 10.0, "objectness_weight": 3.0, "class_weight": 0.5, "l1_weight": 0.0}
    changed, _ = loss_and_gradients(make_head(l1=True, **weights), *truths, outputs)
    for part, factor in zip(PARTS, (2, 3, 0.5, 0), strict=True):
        np.testing.assert_allclose(changed[part], base[part] * factor, rtol=1e-5)
    np.testing.assert_allclose(changed["loss"], sum(changed[part] for part in PARTS), rtol=1e-5)

    by_cell, _ = loss_and_gradients(make_head(objectness_normalizer="cells"), *truths, outputs)
    cells = sum(math.prod(raw.shape[1:3]) for raw in outputs.values())
    found = base["foregrounds"].numpy().mean()
    np.testing.assert_allclose(
        by_cell["objectness_loss"] * cells, base["objectness_loss"] * found, rtol=1e-5
    )
    local, _ = loss_and_gradients(make_head(normalizer="local", l1=True), *truths, outputs)
    assert_same(local, base)  # one replica


def test_the_last_epochs_change_that_part_alone():
    outputs, truths = random_outputs(2), random_truths([4, 3], 4)
    head = make_head()
    before, _ = loss_and_gradients(head, *truths, outputs)
    after, _ = loss_and_gradients(head.for_last_epochs(), *truths, outputs)
    assert not head.config.l1
    assert (before["l1_loss"].numpy() == 0).all()
    assert (after["l1_loss"].numpy() > 0).all()
    for name in ("box_loss", "class_loss", "objectness_loss", "avg_iou", "foregrounds"):
        np.testing.assert_array_equal(before[name], after[name])
    np.testing.assert_allclose(after["loss"], before["loss"] + after["l1_loss"], rtol=1e-5)


def test_gradient_is_the_derivative_of_the_loss():
    """Along a step so small that no match changes."""
    head, outputs = make_head(l1=True, iou_type="giou"), random_outputs(2)
    boxes, labels = random_truths([3, 2], 3)
    values, gradients = loss_and_gradients(head, boxes, labels, outputs)
    direction = {s: tf.sign(g) for s, g in gradients.items()}
    ends = []
    for step in (1e-3, -1e-3):
        moved = {s: raw + step * direction[s] for s, raw in outputs.items()}
        ends.append(loss_and_gradients(head, boxes, labels, moved)[0])
        np.testing.assert_array_equal(ends[-1]["foregrounds"], values["foregrounds"])
    # The target of the class part is the IoU, a constant in the gradient but not in the loss.
    names = ("box_loss", "objectness_loss", "l1_loss")
    found = sum(np.mean(ends[0][n] - ends[1][n]) for n in names) / 2e-3
    parts = loss_and_gradients(
        make_head(l1=True, iou_type="giou", class_weight=0.0), boxes, labels, outputs
    )[1]
    slope = sum(tf.reduce_sum(parts[s] * direction[s]) for s in outputs)
    np.testing.assert_allclose(found, slope, rtol=0.02)


def test_perfect_prediction():
    head = make_head(classes=2, l1=True)
    boxes = np.array([[[0.25, 0.25, 0.5, 0.5]]], np.float32)  # 16 x 24 pixels around (36, 24)
    outputs = {}
    for s in STRIDES:
        raw = np.full([1, SIZE[0] // s, SIZE[1] // s, 7], -20.0, np.float32)
        rows, cols = np.mgrid[: raw.shape[1], : raw.shape[2]]
        raw[0, ..., :2] = np.stack([36 / s - cols, 24 / s - rows], -1)
        raw[0, ..., 2:4] = np.log([24 / s, 16 / s])
        near = (np.abs((cols + 0.5) * s - 36) < 1.5 * s) & (np.abs((rows + 0.5) * s - 24) < 1.5 * s)
        raw[0, near, 4], raw[0, near, 6] = 20, 20
        outputs[s] = tf.constant(raw)
    values, _ = loss_and_gradients(head, boxes, np.array([[1]], np.int32), outputs)
    assert values["foregrounds"][0] == 10
    np.testing.assert_allclose(values["avg_iou"], 1, rtol=1e-5)
    for part in ("box_loss", "class_loss", "l1_loss"):
        np.testing.assert_allclose(values[part], 0, atol=1e-4)
    decoded, scores = head.decode(outputs)
    np.testing.assert_allclose(decoded[0, np.argmax(scores[0, :, 1])], boxes[0, 0], atol=1e-5)


def test_half_precision_outputs_and_huge_sizes():
    head = make_head(l1=True)
    outputs = {s: tf.cast(raw * 30, tf.float16) for s, raw in random_outputs(2).items()}
    values, gradients = loss_and_gradients(head, *random_truths([3, 5], 6), outputs)
    assert {value.dtype for value in values.values()} == {tf.float32}
    for tensor in tf.nest.flatten((values, gradients)):
        assert np.isfinite(tensor).all()


def test_not_a_number_is_reported_by_its_image():
    outputs = random_outputs(3)
    broken = outputs[16].numpy()
    broken[1, 0, 0, 4] = np.nan
    values, _ = loss_and_gradients(
        make_head(), *random_truths([3, 3, 3], 3), {**outputs, 16: broken}
    )
    np.testing.assert_array_equal(np.isfinite(values["loss"]), [True, False, True])


def test_decode_has_all_cells_and_scores():
    head, outputs = make_head(), random_outputs(2)
    boxes, scores = head.decode(outputs)
    assert boxes.shape == (2, 8 * 12 + 4 * 6 + 2 * 3, 4)
    assert scores.shape == (2, boxes.shape[1], 3)
    raw = outputs[16][1, 2, 3].numpy()
    index = 8 * 12 + 2 * 6 + 3
    width, height = np.exp(raw[2:4]) * 16
    x, y = (raw[0] + 3) * 16, (raw[1] + 2) * 16
    expected = [y - height / 2, x - width / 2, y + height / 2, x + width / 2]
    np.testing.assert_allclose(boxes[1, index] * [64, 96, 64, 96], expected, rtol=1e-4, atol=1e-4)
    sigmoid = 1 / (1 + np.exp(-raw))
    np.testing.assert_allclose(scores[1, index], sigmoid[4] * sigmoid[5:], rtol=1e-5)


def test_output_bias_is_the_prior():
    head = make_head(classes=2)
    bias = head.output_bias(16)
    assert bias.shape == (head.output_channels(16),) == (7,)
    np.testing.assert_allclose(bias, [0] * 4 + [-4.59512] * 3, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "size", "message"),
    [
        ({"strides": ()}, SIZE, "config.head.strides: found ()"),
        ({"strides": (8, 8)}, SIZE, "each once"),
        (
            {"iou_type": "ciou"},
            SIZE,
            "config.head.iou_type: found 'ciou', expected one of iou, giou",
        ),
        ({"normalizer": "all"}, SIZE, "normalizer: found 'all', expected one of global, local"),
        ({"objectness_normalizer": "n"}, SIZE, "objectness_normalizer: found 'n'"),
        ({"assign": SimotaConfig(candidates="any")}, SIZE, "assign.candidates: found 'any'"),
        ({"assign": SimotaConfig(conflicts="x")}, SIZE, "assign.conflicts: found 'x'"),
        ({}, (64, 100), "width 100 is not a multiple of the stride 8"),
    ],
)
def test_wrong_settings_are_refused(settings, size, message):
    with pytest.raises(UserError) as error:
        make_head(size=size, **settings)
    assert message in str(error.value)


def test_no_class_is_refused():
    with pytest.raises(UserError, match="number of classes: found 0"):
        make_head(classes=0)
