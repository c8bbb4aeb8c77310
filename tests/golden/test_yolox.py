"""Matching, loss and gradients of YOLOX equal those of super-gradients and of Megvii's YOLOX."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.fixtures import cases, load
from yolo_tf.config import SimotaConfig, YoloxHeadConfig
from yolo_tf.heads.grid import flatten
from yolo_tf.heads.yolox import codec, simota
from yolo_tf.heads.yolox.head import YoloxHead
from yolo_tf.ops.boxes import cxcywh_to_yxyx

PADDING = 3  # rows more than the fullest image has
OUR_PARTS = ("box_loss", "objectness_loss", "class_loss", "l1_loss")


def assign_config(meta, fast) -> SimotaConfig:
    if "center_radius" in meta:  # Megvii
        return SimotaConfig(
            candidates="centre", center_radius=meta["center_radius"], conflicts="all"
        )
    radius = meta["center_sampling_radius"]
    if fast:
        factor = meta["fast_dynamic_ks_bias"]
        return SimotaConfig(
            candidates="own", center_radius=radius, k_factor=factor, conflicts="selected"
        )
    return SimotaConfig(candidates="box_or_centre", center_radius=radius, conflicts="all")


def head_of(meta, fast) -> YoloxHead:
    config = YoloxHeadConfig(
        strides=tuple(meta["strides"]),
        assign=assign_config(meta, fast),
        iou_type=meta.get("iou_type", "iou"),
        box_weight=meta["reg_weight"],
        l1=meta["use_l1"],
    )
    return YoloxHead(config, meta["C"], (meta["H"], meta["W"]))


def truths(arrays, meta):
    """boxes [B, M, 4] yxyx normalised, classes [B, M], and the row of each in `targets`."""
    table, size = arrays["targets"], np.array([meta["H"], meta["W"]] * 2, np.float32)
    counts = np.bincount(table[:, 0].astype(int), minlength=meta["B"])
    boxes = np.zeros([meta["B"], counts.max() + PADDING, 4], np.float32)
    classes = np.full(boxes.shape[:2], -1, np.int32)
    rows = np.full(boxes.shape[:2], -1)
    for image, count in enumerate(counts):
        rows[image, :count] = np.flatnonzero(table[:, 0] == image)
        mine = table[rows[image, :count]]
        boxes[image, :count] = cxcywh_to_yxyx(mine[:, 2:]) / size
        classes[image, :count] = mine[:, 1]
    return tf.constant(boxes), tf.constant(classes), rows


def outputs_of(arrays, meta):
    return {s: tf.constant(arrays[f"pred_{i}"]) for i, s in enumerate(meta["strides"])}


def fast_or_not():
    """(path, whether the numbers are those of super-gradients' fast loss)."""
    params = []
    for case in cases("yolox_"):
        path = case.values[0]
        fast = path and "fast_loss" in load(path)[0]
        for value in (False, True) if fast else (False,):
            name = f"{case.id}_fast" if value else case.id
            params.append(pytest.param(path, value, id=name, marks=case.marks))
    return params


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize(("path", "fast"), fast_or_not())
def test_matches(path, fast, jit):
    arrays, meta = load(path)
    boxes, classes, rows = truths(arrays, meta)
    config = assign_config(meta, fast)

    @tf.function(jit_compile=jit, autograph=False)
    def find(outputs):
        raw, grid = flatten(outputs)
        predicted = cxcywh_to_yxyx(codec.decode(raw[..., :4], grid))
        args = (boxes * grid.scale, classes, predicted, raw[..., 4], raw[..., 5:], grid)
        return simota.match(*args, config)

    found = find(outputs_of(arrays, meta))
    truth = found.truth.numpy()
    if fast:
        ours = np.where(truth >= 0, np.take_along_axis(rows, np.maximum(truth, 0), 1), -1)
        np.testing.assert_array_equal(ours, arrays["fast_matched_gt_global"])
        return
    np.testing.assert_array_equal(truth, arrays["matched_gt"])
    assert (truth >= 0).sum() == arrays["num_fg"]
    np.testing.assert_allclose(found.iou, arrays["matched_iou"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("path", cases("yolox_"))
def test_cells_by_truth(path):
    arrays, meta = load(path)
    boxes, classes, _ = truths(arrays, meta)
    raw, grid = flatten(outputs_of(arrays, meta))
    predicted = cxcywh_to_yxyx(codec.decode(raw[..., :4], grid))
    config = assign_config(meta, fast=False)
    candidate, _ = simota.find_candidates(boxes * grid.scale, classes >= 0, grid, config)
    overlap = simota.pairwise_iou(boxes * grid.scale, predicted)
    k = simota.dynamic_k(tf.where(candidate, overlap, 0.0), config)
    np.testing.assert_array_equal(tf.boolean_mask(k, classes >= 0), arrays["dynamic_k"])


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize(("path", "fast"), fast_or_not())
def test_loss_and_gradients(path, fast, jit):
    arrays, meta = load(path)
    head = head_of(meta, fast)
    boxes, classes, _ = truths(arrays, meta)

    @tf.function(jit_compile=jit, autograph=False)
    def step(outputs):
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            values = head.loss(head.encode(boxes, classes), outputs)
            means = {name: tf.reduce_mean(value) for name, value in values.items()}
        return means, tape.gradient(means["loss"], outputs)

    means, gradients = step(outputs_of(arrays, meta))
    prefix = "fast_" if fast else ""
    np.testing.assert_allclose(means["loss"], arrays[f"{prefix}loss"], rtol=2e-5)
    for name, expected in zip(meta["components"], arrays[f"{prefix}components"], strict=True):
        ours = {
            "iou": means["box_loss"] / meta["reg_weight"],
            "5*iou": means["box_loss"],
            "obj": means["objectness_loss"],
            "cls": means["class_loss"],
            "l1": means["l1_loss"],
            "num_fg_per_gt": means["foregrounds"] * meta["B"] / len(arrays["targets"]),
            "loss": means["loss"],
        }[name]
        np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=1e-6, err_msg=name)
    for index, stride in enumerate(meta["strides"]):
        expected = arrays[f"{prefix}grad_{index}"]
        tolerance = 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(gradients[stride], expected, rtol=0, atol=tolerance)
