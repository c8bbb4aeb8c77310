"""Priors, matching, loss and decoding of SSD equal pierluigiferrari/ssd_keras'."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.fixtures import cases, load
from yolo_tf.config import SsdHeadConfig
from yolo_tf.heads.ssd import priors as ssd_priors
from yolo_tf.heads.ssd.head import SsdHead
from yolo_tf.heads.ssd.priors import encode_offsets
from yolo_tf.ops.boxes import yxyx_to_cxcywh
from yolo_tf.ops.nms import non_max_suppression

both_ways = pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def priors_of(meta):
    """[P, 4] cxcywh normalised, level by level from the settings of the file."""
    size = (meta["img_height"], meta["img_width"])
    levels = []
    for i, grid in enumerate(meta["predictor_sizes"]):
        sides = np.array(meta["scales"][i : i + 2]) * min(size)
        shapes = ssd_priors.prior_shapes(
            meta["aspect_ratios_per_layer"][i], *sides, meta["two_boxes_for_ar1"]
        )
        step = meta["steps"][i] if meta["steps"] else np.divide(size, grid)
        offset = meta["offsets"][i] if meta["offsets"] else 0.5
        step = step if isinstance(step, np.ndarray) else pair(step)
        levels.append(ssd_priors.level_priors(shapes, grid, step, pair(offset)))
    priors = np.concatenate(levels)
    if meta["clip_boxes"]:
        priors = ssd_priors.clip_priors(priors, size)
    return ssd_priors.normalise(priors, size)


def head_of(meta, **settings):
    """The head of a file; its strides are made up to give the grids of the file."""
    size = (meta["img_height"], meta["img_width"])
    strides = [-(-size[0] // rows) for rows, _ in meta["predictor_sizes"]]
    steps = dict(zip(strides, meta["steps"], strict=True)) if meta["steps"] else {}
    ratios = [tuple(ratios) for ratios in meta["aspect_ratios_per_layer"]]
    config = SsdHeadConfig(
        aspect_ratios=dict(zip(strides, ratios, strict=True)),
        scales=tuple(meta["scales"]),
        larger_square=meta["two_boxes_for_ar1"],
        steps=steps,
        clip=meta["clip_boxes"],
        variances=tuple(meta["variances"]),
        **settings,
    )
    head = SsdHead(config, meta["n_classes"], size)
    np.testing.assert_allclose(head.priors_cxcywh, priors_of(meta), atol=1e-6)
    return head


def matching_of(meta):
    return {
        "matching": meta.get("matching_type", "multi"),
        "positive_iou": meta["pos_iou_threshold"],
        "neutral_iou": meta["neg_iou_limit"],
    }


def truths_of(arrays, meta):
    """Boxes [B, N, 4] yxyx normalised and 0-based classes [B, N], padding -1."""
    real = np.arange(arrays["gt"].shape[1]) < arrays["gt_count"][:, None]
    boxes = arrays["gt"][..., [2, 1, 4, 3]]
    boxes = boxes / np.tile([meta["img_height"], meta["img_width"]], 2) * real[..., None]
    classes = np.where(real, arrays["gt"][..., 0] - 1, -1)
    return tf.constant(boxes, tf.float32), tf.constant(classes, tf.int32)


def outputs_of(head, y_pred):
    """Raw outputs by stride, whose softmax and offsets are those of y_pred [B, P, 1 + C + 4...]."""
    fields = 5 + head.num_classes
    raw = y_pred[..., :fields].copy()
    raw[..., :-4] = np.log(np.maximum(raw[..., :-4], 1e-30))
    outputs, start = {}, 0
    for stride in head.strides:
        grid = head.grid(stride)
        end = start + grid[0] * grid[1] * len(head.shapes[stride])
        outputs[stride] = tf.constant(raw[:, start:end].reshape(len(raw), *grid, -1))
        start = end
    assert start == raw.shape[1]
    return outputs


def joined(head, outputs):
    """The inverse of `outputs_of`: [B, P, 1 + C + 4]."""
    fields = 5 + head.num_classes
    levels = [np.reshape(outputs[s], [len(outputs[s]), -1, fields]) for s in head.strides]
    return np.concatenate(levels, axis=1)


@pytest.mark.parametrize("path", cases("ssd_priors_"))
def test_priors(path):
    arrays, meta = load(path)
    np.testing.assert_allclose(priors_of(meta), arrays["priors"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(head_of(meta).priors_cxcywh, arrays["priors"], atol=1e-6)


@both_ways
@pytest.mark.parametrize("path", cases("ssd_encode_"))
def test_matches_and_offsets(path, jit):
    arrays, meta = load(path)
    head = head_of(meta, **matching_of(meta))
    targets = tf.function(head.encode, jit_compile=jit)(*truths_of(arrays, meta))
    match = targets["match"].numpy()
    labels = tf.gather(targets["classes"], np.maximum(match, 0), batch_dims=1).numpy() + 1
    np.testing.assert_array_equal(np.where(match < 0, -1, labels), arrays["label"])

    image, prior = arrays["pos_batch"], arrays["pos_prior"]
    assert sorted(zip(image, prior, strict=True)) == sorted(map(tuple, np.argwhere(match > 0)))
    truth = targets["boxes"].numpy()[image, match[image, prior]]
    offsets = encode_offsets(
        yxyx_to_cxcywh(truth), tf.gather(head.priors_cxcywh, prior), meta["variances"]
    )
    np.testing.assert_allclose(offsets, arrays["pos_offsets"], rtol=1e-5, atol=2e-5)


@both_ways
@pytest.mark.parametrize("path", cases("ssd_loss_"))
def test_loss_and_gradients(path, jit):
    arrays, meta = load(path)
    head = head_of(
        meta,
        **matching_of(meta),
        negative_ratio=meta["neg_pos_ratio"],
        min_negatives=meta["n_neg_min"],
        mining_scope="batch",
        box_weight=meta["alpha"],
    )
    raw = outputs_of(head, arrays["y_pred"])
    boxes, classes = truths_of(arrays, meta)

    @tf.function(jit_compile=jit, autograph=False)
    def step(raw):
        targets = head.encode(boxes, classes)
        with tf.GradientTape() as tape:
            tape.watch(raw)
            values = head.loss(targets, raw)
            total = tf.reduce_sum(values["loss"])
        return targets, values, tape.gradient(total, raw)

    targets, values, gradients = step(raw)
    class_count = head.num_classes + 1
    one_hot = arrays["y_true"][..., :class_count]
    positive = one_hot[..., 1:].max(-1)
    np.testing.assert_array_equal(targets["match"].numpy() > 0, positive > 0)
    np.testing.assert_array_equal(targets["match"].numpy() < 0, one_hot.max(-1) == 0)
    np.testing.assert_array_equal(values["positives"], positive.sum(1))
    np.testing.assert_allclose(values["loss"], arrays["loss"], rtol=2e-5)
    np.testing.assert_allclose(values["box_loss"] + values["class_loss"], values["loss"], rtol=1e-6)

    # The reference's gradient is that of probabilities p; through softmax, p (g - sum p g).
    probability, by_offset = np.split(arrays["y_pred"], [class_count], axis=-1)
    by_probability = arrays["grad"][..., :class_count]
    mean = np.sum(probability * by_probability, axis=-1, keepdims=True)
    expected = np.concatenate(
        [probability * (by_probability - mean), arrays["grad"][..., class_count:]], axis=-1
    )
    assert by_offset.shape[-1] == 4
    tolerance = 1e-4 * np.abs(expected).max()
    np.testing.assert_allclose(joined(head, gradients), expected, rtol=0, atol=tolerance)


def assert_same_detections(found, expected, counts, meta):
    scale = np.tile([meta["img_height"], meta["img_width"]], 2)
    np.testing.assert_array_equal(found["num_detections"], counts)
    for image, count in enumerate(counts):
        rows = expected[image, :count]
        np.testing.assert_array_equal(found["detection_classes"][image, :count], rows[:, 0] - 1)
        np.testing.assert_allclose(found["detection_scores"][image, :count], rows[:, 1], rtol=1e-5)
        boxes = found["detection_boxes"][image, :count].numpy() * scale
        np.testing.assert_allclose(boxes, rows[:, [3, 2, 5, 4]], rtol=1e-5, atol=1e-3)


@both_ways
@pytest.mark.parametrize("path", cases("ssd_decode_"))
def test_detections(path, jit):
    arrays, meta = load(path)
    head = head_of(meta)
    outputs = outputs_of(head, arrays["y_pred"])
    boxes, scores = tf.function(head.decode, jit_compile=jit)(outputs)
    settings = {
        "iou_threshold": meta["iou_threshold"],
        "max_detections": meta["top_k"],
        "pre_nms_top_k": boxes.shape[1] * head.num_classes,
    }
    found = non_max_suppression(
        boxes, scores, score_threshold=meta["confidence_thresh"], **settings
    )
    assert_same_detections(found, arrays["detections"], arrays["detection_count"], meta)

    # The "fast" way: one class a prior, none where background is the likeliest.
    wins = scores > 1 - tf.reduce_sum(scores, axis=-1, keepdims=True)
    found = non_max_suppression(
        boxes,
        tf.where(tf.reduce_any(wins, axis=-1, keepdims=True), scores, 0.0),
        score_threshold=meta["confidence_thresh_fast"],
        class_agnostic=True,
        **settings,
    )
    assert_same_detections(found, arrays["detections_fast"], arrays["detection_count_fast"], meta)
