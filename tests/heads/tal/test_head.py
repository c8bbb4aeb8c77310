"""The head and the loss of the task-aligned family: what the reference numbers do not cover."""

import math

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.config import TalAssignConfig, TalHeadConfig
from yolo_tf.errors import UserError
from yolo_tf.heads.tal.head import TalHead
from yolo_tf.heads.tal.loss import CLASS_LOSSES, distribution_focal_loss

SIZE, STRIDES = (64, 96), (16, 32)
PP_YOLOE = {
    "assign": TalAssignConfig(top_k=13, alpha=1.0, overlap="iou"),
    "class_loss": "varifocal",
    "box_loss": "giou",
}


def make_head(classes=3, size=SIZE, **settings):
    return TalHead(TalHeadConfig(**{"strides": STRIDES, "bins": 6} | settings), classes, size)


def random_outputs(head, batch, seed=0):
    random = np.random.default_rng(seed)
    shapes = {s: [batch, SIZE[0] // s, SIZE[1] // s, head.output_channels(s)] for s in head.strides}
    return {s: tf.constant(random.normal(size=shape), tf.float32) for s, shape in shapes.items()}


def random_truths(counts, limit, classes=3, seed=1):
    random = np.random.default_rng(seed)
    boxes = np.zeros([len(counts), limit, 4], np.float32)
    labels = np.full([len(counts), limit], -1, np.int32)
    for image, count in enumerate(counts):
        low = random.uniform(0, 0.5, [count, 2])
        boxes[image, :count] = np.concatenate([low, low + random.uniform(0.2, 0.5, [count, 2])], 1)
        labels[image, :count] = random.integers(0, classes, count)
    return tf.constant(boxes), tf.constant(labels)


def loss_and_gradients(head, truths, outputs):
    @tf.function(autograph=False)
    def step(outputs):
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            values = head.loss(head.encode(*truths), outputs)
            loss = tf.reduce_mean(values["loss"])
        return values, tape.gradient(loss, outputs)

    return step(outputs)


def test_equal_bins():
    """A side of half the largest distance, an error of ln(bins), and the gradient of both."""
    head, target = make_head(bins=16), tf.constant([[0.0, 3.25, 7.0, 40.0]])
    outputs = {s: tf.zeros_like(raw) for s, raw in random_outputs(head, 1).items()}
    boxes, scores = head.decode(outputs)
    centre = np.array([8, 8]) / SIZE
    np.testing.assert_allclose(boxes[0, 0, :2], centre - 7.5 * 16 / np.array(SIZE), rtol=1e-6)
    assert (scores.numpy() == 0.5).all()
    logits = tf.zeros([1, 4, 16])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = distribution_focal_loss(logits, target)
    np.testing.assert_allclose(loss, [math.log(16)], rtol=1e-6)
    share = np.zeros([4, 16])
    share[0, 0] = share[2, 7] = 1
    share[1, 3:5], share[3, 14:] = (0.75, 0.25), (0.01, 0.99)
    gradient = tape.gradient(loss, logits)[0]
    np.testing.assert_allclose(gradient, (1 / 16 - share) / 4, atol=1e-6)


def test_varifocal_trains_its_own_weight_of_background():
    logits = tf.zeros([1, 1, 1])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = CLASS_LOSSES["varifocal"](tf.constant([[-1]]), tf.zeros([1, 1]), logits)
    np.testing.assert_allclose(value, [[0.75 * 0.25 * math.log(2)]], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(value, logits), [[[0.2237151]]], rtol=1e-6)


def test_varifocal_of_a_class_that_is_wrong_and_sure_keeps_its_gradient():
    logits = tf.constant([[[40.0]]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = CLASS_LOSSES["varifocal"](tf.constant([[-1]]), tf.zeros([1, 1]), logits)
    np.testing.assert_allclose(value, [[30.0]], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(value, logits), [[[0.75]]], rtol=1e-6)


def test_one_bin_is_the_distance_itself():
    head = make_head(bins=1)
    assert head.output_channels(16) == 4 + 3
    assert "dfl_loss" not in head.value_names()
    outputs = random_outputs(head, 2)
    values, gradients = loss_and_gradients(head, random_truths([3, 0], 4), outputs)
    assert set(values) == set(head.value_names())
    assert all(np.abs(gradients[s][..., :4]).max() > 0 for s in STRIDES)
    raw = outputs[16].numpy()[1, 2, 3]
    sides = np.log1p(np.exp(raw[:4])) * 16
    x, y = 3.5 * 16, 2.5 * 16
    expected = [y - sides[1], x - sides[0], y + sides[3], x + sides[2]]
    boxes, scores = head.decode(outputs)
    index = 2 * 6 + 3
    np.testing.assert_allclose(boxes[1, index] * [*SIZE, *SIZE], expected, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(scores[1, index], 1 / (1 + np.exp(-raw[4:])), rtol=1e-5)
    bias = head.output_bias(16)
    np.testing.assert_allclose(np.log1p(np.exp(bias[:4])), 1, rtol=1e-6)


@pytest.mark.parametrize("settings", [{}, PP_YOLOE, {"bins": 1}], ids=["v8", "ppyoloe", "one"])
def test_no_batch_is_too_empty(settings):
    """No truth, and not a single row of padding, as validation gives it."""
    head = make_head(**settings)
    outputs = random_outputs(head, 2)
    values, gradients = loss_and_gradients(head, random_truths([0, 0], 3), outputs)
    none = tf.zeros([2, 0, 4]), tf.zeros([2, 0], tf.int32)
    without_rows, _ = loss_and_gradients(head, none, outputs)
    for name in head.value_names():
        np.testing.assert_allclose(without_rows[name], values[name])
        assert (values[name].numpy() > 0).all() == (name in ("loss", "class_loss")), name
    split = 4 * head.config.bins
    assert not any(np.any(g[..., :split]) for g in gradients.values())
    assert all(np.all(g[..., split:]) for g in gradients.values())


@pytest.mark.parametrize("settings", [{}, PP_YOLOE], ids=["v8", "ppyoloe"])
def test_values_by_image_add_up(settings):
    """An image's part is its share in the sum of the batch, and says nothing of the others."""
    head = make_head(**settings)
    outputs = random_outputs(head, 2)
    boxes, labels = random_truths([3, 2], 3)
    together, _ = loss_and_gradients(head, (boxes, labels), outputs)
    alone = []
    for image in range(2):
        one = {s: raw[image : image + 1] for s, raw in outputs.items()}
        truths = boxes[image : image + 1], labels[image : image + 1]
        alone.append(loss_and_gradients(head, truths, one)[0])
    weights = [float(together["class_loss"][i] / alone[i]["class_loss"][0]) for i in range(2)]
    for name in ("box_loss", "dfl_loss"):
        for image in range(2):
            found = together[name][image] / alone[image][name][0]
            np.testing.assert_allclose(found, weights[image], rtol=1e-4)
    matched = together["foregrounds"].numpy()
    np.testing.assert_array_equal(matched, [float(one["foregrounds"][0]) for one in alone])
    own = [float(one["avg_iou"][0]) for one in alone]
    mean = np.mean(together["avg_iou"])
    np.testing.assert_allclose(mean, (matched * own).sum() / matched.sum(), rtol=1e-5)


def test_gradients_are_finite_for_extreme_outputs():
    for settings in ({}, PP_YOLOE, {"bins": 1}):
        head = make_head(**settings)
        outputs = {s: 300 * raw for s, raw in random_outputs(head, 2).items()}
        values, gradients = loss_and_gradients(head, random_truths([3, 1], 3), outputs)
        assert all(np.isfinite(value).all() for value in values.values())
        assert all(np.isfinite(gradient).all() for gradient in gradients.values())


def test_not_a_number_is_reported_by_its_image():
    head = make_head()
    outputs = random_outputs(head, 3)
    broken = outputs[16].numpy()
    broken[1, 0, 0] = np.nan
    values, _ = loss_and_gradients(head, random_truths([3, 3, 3], 3), {**outputs, 16: broken})
    np.testing.assert_array_equal(np.isfinite(values["loss"]), [True, False, True])


def test_first_epochs_assign_by_place_and_size():
    head = make_head(static_epochs=5, assign=TalAssignConfig(top_k=2))
    epochs, first = head.for_first_epochs()
    assert epochs == 5
    assert first.value_names() == head.value_names()
    truths, found = random_truths([3], 3), []
    for each in (head, first):
        for seed in (0, 1):
            outputs = random_outputs(head, 1, seed)
            _, gradients = loss_and_gradients(each, truths, outputs)
            trained = [np.any(g[..., :24], axis=-1).ravel() for g in gradients.values()]
            found.append(np.concatenate(trained).tolist())
    assert found[0] != found[1]
    assert found[2] == found[3]


def test_priors():
    head = make_head(classes=80, size=(640, 320))
    expected = math.log(5 / 80 / (40 * 20))
    np.testing.assert_allclose(head.output_bias(16)[24:], [expected] * 80, rtol=1e-6)
    bins = np.exp(head.output_bias(16)[:24].reshape(4, 6))
    sides = (bins * np.arange(6)).sum(1) / bins.sum(1)  # strides; equal bins would give 2.5
    assert np.all((sides > 1) & (sides < 2))
    pi = make_head(classes=80, class_prior="pi").output_bias(32)[24:]
    np.testing.assert_allclose(pi, [-4.59512] * 80, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "size", "message"),
    [
        ({"strides": ()}, SIZE, "config.head.strides: found ()"),
        ({}, (64, 100), "width 100 is not a multiple of the stride 16"),
        (
            {"class_loss": "focal"},
            SIZE,
            "class_loss: found 'focal', expected one of bce, varifocal",
        ),
        ({"box_loss": "iou"}, SIZE, "box_loss: found 'iou', expected one of ciou, giou"),
        ({"class_prior": ""}, SIZE, "class_prior: found '', expected one of v8, pi"),
        ({"assign": TalAssignConfig(overlap="giou")}, SIZE, "assign.overlap: found 'giou'"),
        ({"assign": TalAssignConfig(conflicts="all")}, SIZE, "assign.conflicts: found 'all'"),
    ],
)
def test_wrong_settings_are_refused(settings, size, message):
    with pytest.raises(UserError) as error:
        make_head(size=size, **settings)
    assert message in str(error.value)
