"""The multibox loss: what is mined, what it is divided by, and its corner cases."""

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.config import SsdHeadConfig
from yolo_tf.heads.ssd.loss import MultiboxLoss, hardest, smooth_l1
from yolo_tf.heads.ssd.priors import encode_offsets
from yolo_tf.ops.boxes import yxyx_to_cxcywh

CLASSES = 3
BOX = (0.2, 0.2, 0.5, 0.6)  # yxyx
PRIORS = np.array([[0.4, 0.35, 0.4, 0.3]] * 8, np.float32)  # cxcywh, that of BOX


def targets_of(match, boxes=(BOX,), classes=(1,)):
    """Every image has the same boxes."""
    match = np.asarray(match, np.int32)
    images = len(match)
    rows = np.concatenate([np.zeros([1, 4]), np.reshape(boxes, [-1, 4])]).astype(np.float32)
    return {
        "boxes": tf.constant(np.tile(rows, [images, 1, 1])),
        "classes": tf.constant(np.tile([-1, *classes], [images, 1]), tf.int32),
        "match": tf.constant(match),
    }


def loss_of(match, logits=None, offsets=None, **settings):
    shape = np.shape(match)
    logits = np.zeros([*shape, 1 + CLASSES]) if logits is None else logits
    offsets = np.zeros([*shape, 4]) if offsets is None else offsets
    loss = MultiboxLoss(SsdHeadConfig(**settings), tf.constant(PRIORS[: shape[1]]))
    values = loss(
        targets_of(match), tf.constant(logits, tf.float32), tf.constant(offsets, tf.float32)
    )
    return {name: value.numpy() for name, value in values.items()}


def background_logits(entropies):
    """Logits [..., 1 + C] whose cross-entropy as background is the wanted one."""
    background = np.exp(-np.asarray(entropies, np.float64))
    others = np.repeat((1 - background)[..., None] / CLASSES, CLASSES, -1)
    return np.log(np.maximum(np.concatenate([background[..., None], others], -1), 1e-30))


def test_smooth_l1_and_its_gradient():
    difference = tf.constant([[0.5, -0.5, 2.0, -3.0], [1.0, -1.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(difference)
        loss = smooth_l1(difference)
    np.testing.assert_allclose(loss, [0.125 * 2 + 1.5 + 2.5, 1.0])
    gradient = tape.gradient(loss, difference)
    np.testing.assert_allclose(gradient, [[0.5, -0.5, 1, -1], [1, -1, 0, 0]])


def test_hardest_takes_so_many_of_the_largest():
    losses = tf.constant([[1.0, 5, 3, 4, 2]] * 4)
    candidates = tf.constant([[True, False, True, True, True]] * 4)
    found = hardest(losses, candidates, tf.constant([0, 1, 2, 9]))
    assert [np.flatnonzero(row).tolist() for row in found] == [[], [3], [2, 3], [0, 2, 3, 4]]


def test_of_equal_losses_the_first_are_taken():
    losses = tf.constant([[2.0, 1, 1, 1, 1], [0, 0, 0, 0, 0]])
    found = hardest(losses, tf.ones_like(losses, tf.bool), tf.constant([3, 2]))
    assert [np.flatnonzero(row).tolist() for row in found] == [[0, 1, 2], [0, 1]]


def test_a_loss_that_is_no_number_is_taken_first():
    losses = tf.constant([[2.0, np.nan, 1.0, np.inf]])
    found = hardest(losses, tf.ones_like(losses, tf.bool), tf.constant([2]))
    assert np.flatnonzero(found[0]).tolist() == [1, 3]


def test_hard_negatives_of_each_image_or_of_the_batch():
    match = [[1, 0, 0, 0, 0], [0, 0, 0, 0, -1]]
    entropies = np.array([[9.0, 0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0, 50.0]])
    logits = background_logits(entropies)
    own = -np.log((1 - np.exp(-9.0)) / CLASSES)
    settings = {"negative_ratio": 2, "min_negatives": 0}
    # One positive in all, two images: (sum of an image) / 1 * 2.
    by_image = loss_of(match, logits, mining_scope="image", **settings)
    np.testing.assert_allclose(by_image["class_loss"], [2 * (own + 0.7), 0], rtol=1e-5)
    by_batch = loss_of(match, logits, mining_scope="batch", **settings)
    np.testing.assert_allclose(by_batch["class_loss"], [2 * own, 2 * 7], rtol=1e-5)


def test_images_without_objects_teach_background():
    logits = background_logits([[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]])
    match = [[1, 0, 0, 0], [0, 0, 0, 0]]
    values = loss_of(match, logits, negative_ratio=1, min_negatives=2)
    np.testing.assert_allclose(values["class_loss"][1], 2 * 0.7, rtol=1e-5)
    assert loss_of(match, logits, min_negatives=0)["class_loss"][1] == 0


def test_neutral_priors_teach_nothing():
    random = np.random.default_rng(0)
    logits, offsets = random.normal(size=(1, 8, 4)), random.normal(size=(1, 8, 4))
    match = [[1, 0, 0, -1, -1, 0, 0, 0]]
    expected = loss_of(match, logits, offsets)
    logits[0, 3:5], offsets[0, 3:5] = 77, -77
    found = loss_of(match, logits, offsets)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_positives_are_counted_over_the_batch():
    match = [[1, 1, 1, 0], [1, 0, 0, 0]]
    values = loss_of(match, min_negatives=0, negative_ratio=1)
    np.testing.assert_array_equal(values["positives"], [3, 1])
    # Entropy log 4 everywhere; 3 + 1 and 1 + 1 of them, by 4 positives, times 2 images.
    np.testing.assert_allclose(values["class_loss"], np.log(4) * np.array([4, 2]) / 2, rtol=1e-6)


def test_box_loss_of_known_offsets():
    offsets = np.array([[[0.5, 0, 0, -2]] + [[9, 9, 9, 9]] * 3])
    values = loss_of([[1, 0, 0, 0]], offsets=offsets, box_weight=2)
    np.testing.assert_allclose(values["box_loss"], [2 * (0.125 + 1.5)], rtol=1e-4)
    np.testing.assert_allclose(values["loss"], values["box_loss"] + values["class_loss"])


def test_average_iou_of_positives():
    values = loss_of([[1, 0, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_allclose(values["avg_iou"], [1, 0], rtol=1e-5)


def test_truths_next_to_perfect_outputs_cost_nothing():
    logits = np.full([1, 4, 1 + CLASSES], -20.0)
    logits[0, 0, 2], logits[0, 1:, 0] = 20, 20
    priors = tf.constant([[0.5, 0.5, 0.2, 0.2]] * 4)
    config = SsdHeadConfig()
    truth = tf.constant([BOX] * 4)
    offsets = encode_offsets(yxyx_to_cxcywh(truth), priors, config.variances)
    values = MultiboxLoss(config, priors)(
        targets_of([[1, 0, 0, 0]]), tf.constant(logits, tf.float32), offsets[None]
    )
    assert values["loss"][0] < 1e-5
    np.testing.assert_allclose(values["avg_iou"], [1], atol=1e-5)


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("match", [[[0] * 8] * 2, [[1] * 8] * 2, [[-1] * 8] * 2])
def test_finite_gradients_with_no_all_and_neutral_priors(match, jit):
    loss = MultiboxLoss(SsdHeadConfig(), tf.constant(PRIORS))
    targets = targets_of(match)

    @tf.function(jit_compile=jit, autograph=False)
    def step(logits, offsets):
        with tf.GradientTape() as tape:
            tape.watch([logits, offsets])
            value = tf.reduce_mean(loss(targets, logits, offsets)["loss"])
        return value, tape.gradient(value, [logits, offsets])

    # Saturated: a probability of 0 must still learn (algorithms.md 10.15).
    logits = tf.tile(tf.constant([[[200.0, -200, -200, 0]]]), [2, 8, 1])
    value, gradients = step(logits, tf.fill([2, 8, 4], 300.0))
    assert np.isfinite(value)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    if match[0][0] == 1:
        assert value > 300
        np.testing.assert_allclose(gradients[0][0, 0], np.array([1, 0, -1, 0]) / 16, atol=1e-6)
