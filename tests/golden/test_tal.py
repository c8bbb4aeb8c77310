"""Decoding, assignment, losses and gradients of the task-aligned head equal reference numbers.

These are those of super-gradients (PP-YOLOE), Ultralytics (v8) and MMDetection.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.fixtures import cases, load
from yolo_tf.config import TalAssignConfig, TalHeadConfig
from yolo_tf.heads.grid import flatten, make_grid
from yolo_tf.heads.tal import codec
from yolo_tf.heads.tal.assign import task_aligned
from yolo_tf.heads.tal.atss import atss
from yolo_tf.heads.tal.head import TalHead
from yolo_tf.heads.tal.loss import distribution_focal_loss

graph_and_xla = pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
ASSIGNERS = {"tal": task_aligned, "atss": atss}


def yxyx(boxes_xyxy):
    return boxes_xyxy[..., [1, 0, 3, 2]]


def assign_config(meta) -> TalAssignConfig:
    names = ("top_k", "alpha", "beta", "overlap", "min_side", "conflicts")
    return TalAssignConfig(**{name: meta[name] for name in names if name in meta})


def outputs_of(arrays, meta):
    return {s: tf.constant(arrays[f"raw_{i}"]) for i, s in enumerate(meta["strides"])}


def head_of(meta) -> TalHead:
    class_weight, box_weight, dfl_weight = meta["weights"]
    config = TalHeadConfig(
        strides=tuple(meta["strides"]),
        bins=meta["bins"],
        assign=assign_config(meta),
        class_loss=meta["class_loss"],
        box_loss=meta["box_loss"],
        class_weight=class_weight,
        box_weight=box_weight,
        dfl_weight=dfl_weight,
        static_epochs=int(meta["assigner"] == "atss"),
    )
    head = TalHead(config, meta["C"], (meta["H"], meta["W"]))
    return head.for_first_epochs()[1] if config.static_epochs else head


@graph_and_xla
@pytest.mark.parametrize("path", cases("tal_decode_"))
def test_decode(path, jit):
    arrays, meta = load(path)
    config = TalHeadConfig(strides=tuple(meta["strides"]), bins=meta["bins"])
    head = TalHead(config, meta["C"], (meta["H"], meta["W"]))

    @tf.function(jit_compile=jit, autograph=False)
    def decode(outputs):
        raw, _ = flatten(outputs)
        return codec.distances(raw[..., : 4 * meta["bins"]], meta["bins"]), *head.decode(outputs)

    outputs = outputs_of(arrays, meta)
    sides, boxes, scores = decode(outputs)
    np.testing.assert_array_equal(flatten(outputs)[1].centres, arrays["points"])
    np.testing.assert_allclose(sides, arrays["distances"], rtol=1e-5, atol=1e-5)
    scale = np.array([meta["H"], meta["W"]] * 2, np.float32)
    np.testing.assert_allclose(boxes * scale, yxyx(arrays["boxes_xyxy"]), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(scores, arrays["scores"], rtol=1e-5, atol=1e-7)


@graph_and_xla
@pytest.mark.parametrize("path", cases("tal_assign_"))
def test_assign(path, jit):
    arrays, meta = load(path)
    height, width = meta["H"], meta["W"]
    grid = make_grid({s: (height // s, width // s) for s in meta["level_strides"]})
    np.testing.assert_array_equal(grid.centres, arrays["points"])
    assert grid.level_sizes == meta["level_cells"]

    def assign(*inputs):
        return ASSIGNERS[meta["assigner"]](*inputs, grid, assign_config(meta))

    truths, predicted = (yxyx(arrays[f"{name}_boxes_xyxy"]) for name in ("gt", "pred"))
    inputs = map(tf.constant, (truths, arrays["gt_classes"], arrays["scores"], predicted))
    matches = tf.function(assign, jit_compile=jit, autograph=False)(*inputs)

    truth = matches.truth.numpy()
    np.testing.assert_array_equal(truth, arrays["matched_gt"])
    np.testing.assert_array_equal(truth >= 0, arrays["fg_mask"])
    row = np.maximum(truth, 0)
    labels = np.where(truth >= 0, np.take_along_axis(arrays["gt_classes"], row, 1), -1)
    np.testing.assert_array_equal(labels, arrays["assigned_labels"])
    assigned = np.take_along_axis(arrays["gt_boxes_xyxy"], row[..., None], 1)
    assigned = np.where(truth[..., None] >= 0, assigned, 0)
    np.testing.assert_array_equal(assigned, arrays["assigned_boxes_xyxy"])
    if "soft_scores" in arrays:
        np.testing.assert_allclose(matches.score, arrays["soft_scores"], rtol=1e-5, atol=5e-6)
    if "metric" in arrays:
        np.testing.assert_array_equal(arrays["metric"] > 0, truth >= 0)


@graph_and_xla
@pytest.mark.parametrize("path", cases("dfl_"))
def test_distribution_focal_loss(path, jit):
    arrays, _ = load(path)

    @tf.function(jit_compile=jit, autograph=False)
    def step(logits, target):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = distribution_focal_loss(logits, target)
        return loss, tape.gradient(loss, logits)

    loss, gradient = step(tf.constant(arrays["logits"]), tf.constant(arrays["target"]))
    np.testing.assert_allclose(loss, arrays["loss"], rtol=1e-5, atol=1e-6)
    tolerance = 1e-4 * np.abs(arrays["grad"]).max()
    np.testing.assert_allclose(gradient, arrays["grad"], rtol=0, atol=tolerance)


@graph_and_xla
@pytest.mark.parametrize("path", cases("tal_loss_"))
def test_loss_and_gradients(path, jit):
    arrays, meta = load(path)
    head, outputs = head_of(meta), outputs_of(arrays, meta)
    scale = np.array([meta["H"], meta["W"]] * 2, np.float32)
    truths = tf.constant(yxyx(arrays["gt_boxes_xyxy"]) / scale)
    targets = head.encode(truths, tf.constant(arrays["gt_classes"]))

    @tf.function(jit_compile=jit, autograph=False)
    def step(targets, outputs):
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            values = head.loss(targets, outputs)
            means = {name: tf.reduce_mean(value) for name, value in values.items()}
        return means, values["foregrounds"], tape.gradient(means["loss"], outputs)

    means, foregrounds, gradients = step(targets, outputs)
    names = [f"{name}_loss" for name in meta["parts"]]
    parts = [means[name] for name in names]
    np.testing.assert_allclose(parts, arrays["parts"], rtol=2e-5, atol=1e-7)
    np.testing.assert_allclose(means["loss"], arrays["loss"], rtol=2e-5)
    np.testing.assert_array_equal(foregrounds, (arrays["matched_gt"] >= 0).sum(axis=1))
    split = 4 * meta["bins"]
    expected = [arrays[f"grad_{i}"] for i in range(len(meta["strides"]))]
    for channels in (slice(None, split), slice(split, None)):
        largest = max(np.abs(level[..., channels]).max() for level in expected)
        for stride, level in zip(meta["strides"], expected, strict=True):
            found = gradients[stride].numpy()[..., channels]
            np.testing.assert_allclose(found, level[..., channels], rtol=0, atol=1e-4 * largest)
    background = (arrays["matched_gt"] < 0)[..., None]
    flat = np.concatenate(
        [g.numpy().reshape(meta["B"], -1, g.shape[-1]) for g in gradients.values()], 1
    )
    assert not (flat[..., :split] * background).any()
