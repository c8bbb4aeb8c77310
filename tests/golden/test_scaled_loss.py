"""The loss of Scaled-YOLOv4 and its gradients equal Model Garden's.

Its loss is the mean over the batch times the number of images and 3 / levels; ours is the mean.
Its ignore search compares the classes of cell and truth by another rule (algorithms.md
10.5), so the loss is
compared with the reference's search, and our search by itself where the two rules agree.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import yolo_heads
from tests.golden.fixtures import cases, load
from yolo_tf.heads.yolo.losses import scaled
from yolo_tf.heads.yolo.losses.common import MEASURES, best_overlap

PARTS = {"box": "box_loss", "conf": "objectness_loss", "class": "class_loss"}


def scaled_cases():
    chosen = []
    for case in cases("mg_loss_"):
        meta = load(case.values[0])[1] if case.values[0] else {}
        if not meta or meta["use_scaled_loss"]:
            chosen.append(case)
    return chosen


def make_head(arrays, meta):
    losses = {s: yolo_heads.scaled_loss(meta, k) for k, s in yolo_heads.strides(meta).items()}
    return yolo_heads.head_of(arrays, meta, yolo_heads.assign_config(meta), losses)


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("path", scaled_cases())
def test_loss_and_gradients(path, jit, monkeypatch):
    arrays, meta = load(path)
    levels = yolo_heads.strides(meta)
    head = make_head(arrays, meta)
    found = [arrays[f"search_iou_{k}"] for k in levels if f"search_iou_{k}" in arrays]
    found = {overlap[0].size: overlap.reshape(meta["B"], -1) for overlap in found}
    monkeypatch.setattr(
        scaled, "best_overlap", lambda boxes, truths, **_: tf.constant(found[boxes.shape[1]])
    )
    raw = {s: tf.constant(arrays[f"pred_{k}"]) for k, s in levels.items()}
    boxes = tf.constant(arrays["gt_boxes_yxyx"])
    classes = tf.constant(arrays["gt_classes"].astype(np.int32))
    by_level = 3 / len(levels)

    @tf.function(jit_compile=jit, autograph=False)
    def step(raw):
        with tf.GradientTape() as tape:
            tape.watch(raw)
            values = head.loss(head.encode(boxes, classes), raw)
            means = {name: tf.reduce_mean(value) for name, value in values.items()}
            total = means["loss"] * by_level * meta["B"]
        return means, total, tape.gradient(total, raw)

    means, total, gradients = step(raw)
    np.testing.assert_allclose(total, arrays["loss"], rtol=2e-5)
    np.testing.assert_allclose(means["loss"] * by_level, arrays["metric_loss"], rtol=2e-5)
    for name, expected in zip(meta["net_fields"], arrays["net"], strict=True):
        np.testing.assert_allclose(means[PARTS[name]] * by_level, expected, rtol=2e-5)
    for key, stride in levels.items():
        level = dict(zip(meta["level_fields"], arrays[f"level_{key}"], strict=True))
        ours = {name: means[f"{part}_{stride}"] for name, part in PARTS.items()}
        ours |= {name: means[f"{name}_{stride}"] for name in ("avg_iou", "avg_obj")}
        ours |= {"mean": means[f"loss_{stride}"], "loss": means[f"loss_{stride}"] * meta["B"]}
        for name, value in ours.items():
            np.testing.assert_allclose(value, level[name], rtol=2e-5, atol=1e-6, err_msg=name)
        expected = arrays[f"grad_{key}"]
        tolerance = 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(gradients[stride], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("path", scaled_cases())
def test_search(path):
    arrays, meta = load(path)
    head = make_head(arrays, meta)
    if f"search_iou_{meta['keys'][0]}" not in arrays:
        pytest.skip("no search in this file: its ignore threshold is 0")
    truths, classes = arrays["gt_boxes_yxyx"], arrays["gt_classes"].astype(np.int32)
    for key, stride in yolo_heads.strides(meta).items():
        expected = arrays[f"search_iou_{key}"].reshape(meta["B"], -1)
        raw = arrays[f"pred_{key}"].reshape(*arrays[f"decoded_xywh_{key}"].shape[:-1], -1)
        level = head.levels[stride]
        boxes = tf.reshape(level.decode(raw[..., :4]), [meta["B"], -1, 4])
        likely = level.classes.likely(tf.constant(raw[..., 5:].reshape(*expected.shape, -1)))
        measure = MEASURES[meta["loss_type"][key]]
        every = best_overlap(boxes, truths, measure).numpy()
        ours = best_overlap(boxes, truths, measure, classes, likely).numpy()
        # A cell that sees every class is compared with all truths by any rule, and the reference
        # leaves out fewer truths than we.
        sees_all = likely.numpy().all(axis=-1)
        assert sees_all.any()
        np.testing.assert_allclose(ours[sees_all], expected[sees_all], rtol=1e-5, atol=1e-6)
        assert (ours <= expected + 1e-5).all()
        assert (expected <= every + 1e-5).all()
