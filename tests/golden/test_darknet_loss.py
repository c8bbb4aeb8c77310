"""The Darknet loss and its gradients equal Model Garden's."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import yolo_heads
from tests.golden.fixtures import cases, load

PARTS = {"box": "box_loss", "conf": "objectness_loss", "class": "class_loss"}


def darknet_cases():
    chosen = []
    for case in cases("mg_loss_"):
        meta = load(case.values[0])[1] if case.values[0] else {}
        if not meta or not meta["use_scaled_loss"]:
            chosen.append(case)
    return chosen


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("path", darknet_cases())
def test_loss_and_gradients(path, jit):
    arrays, meta = load(path)
    levels = yolo_heads.strides(meta)
    head = yolo_heads.head_of(
        arrays,
        meta,
        assign=yolo_heads.assign_config(meta),
        losses={s: yolo_heads.darknet_loss(meta, k) for k, s in levels.items()},
    )
    raw = {s: tf.constant(arrays[f"pred_{k}"]) for k, s in levels.items()}
    boxes = tf.constant(arrays["gt_boxes_yxyx"])
    classes = tf.constant(arrays["gt_classes"].astype(np.int32))

    @tf.function(jit_compile=jit, autograph=False)
    def step(raw):
        with tf.GradientTape() as tape:
            tape.watch(raw)
            values = head.loss(head.encode(boxes, classes), raw)
            means = {name: tf.reduce_mean(value) for name, value in values.items()}
        return means, tape.gradient(means["loss"], raw)

    means, gradients = step(raw)
    np.testing.assert_allclose(means["loss"], arrays["loss"], rtol=2e-5)
    for name, expected in zip(meta["net_fields"], arrays["net"], strict=True):
        np.testing.assert_allclose(means[PARTS[name]], expected, rtol=2e-5)
    for key, stride in levels.items():
        level = dict(zip(meta["level_fields"], arrays[f"level_{key}"], strict=True))
        ours = {name: means[f"{part}_{stride}"] for name, part in PARTS.items()}
        ours |= {name: means[f"{name}_{stride}"] for name in ("loss", "avg_iou", "avg_obj")}
        for name, value in ours.items():
            np.testing.assert_allclose(value, level[name], rtol=2e-5, atol=1e-6, err_msg=name)
        expected = arrays[f"grad_{key}"]
        tolerance = 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(gradients[stride], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("path", darknet_cases())
def test_decoded_boxes(path):
    arrays, meta = load(path)
    head = yolo_heads.head_of(arrays, meta)
    for key, stride in yolo_heads.strides(meta).items():
        expected = arrays[f"decoded_xywh_{key}"]
        raw = arrays[f"pred_{key}"].reshape(*expected.shape[:-1], -1)[..., :4]
        ymin, xmin, ymax, xmax = np.moveaxis(head.levels[stride].decode(raw).numpy(), -1, 0)
        ours = np.stack([(xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin], -1)
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)
