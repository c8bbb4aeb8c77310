"""Labels, losses and gradients equal YunYang1994's YOLOv3."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.fixtures import cases, load
from tests.golden.slots import last_box
from yolo_tf.config import AssignConfig, FocalGiouLossConfig, YoloHeadConfig
from yolo_tf.heads.yolo.head import YoloHead
from yolo_tf.heads.yolo.level import flatten_rows

PARTS = {"giou": "box_loss", "conf": "objectness_loss", "prob": "class_loss"}


def make_head(arrays, meta) -> YoloHead:
    config = YoloHeadConfig(
        anchors={
            stride: (arrays["anchors_grid"][i] * stride).tolist()
            for i, stride in enumerate(meta["strides"])
        },
        assign=AssignConfig(policy="cell_iou", threshold=meta["match_iou"]),
        loss=FocalGiouLossConfig(
            ignore_threshold=meta["iou_loss_thresh"], label_smoothing=meta["label_smooth"]
        ),
    )
    return YoloHead(config, meta["C"], (meta["size"], meta["size"]))


def encode(head, arrays, meta):
    boxes = arrays["boxes"][..., [1, 0, 3, 2]].astype(np.float32) / np.float32(meta["size"])
    # Whole pixels lie on the borders of cells, where rounding must not take them a cell back.
    boxes = np.where(boxes > 0, np.nextafter(boxes, np.float32(2)), 0)
    real = np.arange(boxes.shape[1]) < arrays["n_boxes"][:, None]
    classes = np.where(real, arrays["boxes"][..., 4], -1).astype(np.int32)
    return head.encode(tf.constant(boxes), tf.constant(classes))


@pytest.mark.parametrize("path", cases("yunyang_"))
def test_labels(path):
    arrays, meta = load(path)
    head = make_head(arrays, meta)
    targets = encode(head, arrays, meta)
    for i, stride in enumerate(meta["strides"]):
        expected = arrays[f"label_{i}"]
        found = last_box(targets, stride, expected.shape[1:4])
        np.testing.assert_array_equal(found >= 0, expected[..., 4] > 0)
        for slot in map(tuple, np.argwhere(found >= 0)):
            xmin, ymin, xmax, ymax, label = arrays["boxes"][slot[0], found[slot]]
            centre_size = [(xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin]
            np.testing.assert_allclose(expected[slot][:4], centre_size, rtol=1e-6)
            one_hot = np.eye(meta["C"])[label]
            smoothed = one_hot * (1 - meta["label_smooth"]) + meta["label_smooth"] / meta["C"]
            np.testing.assert_allclose(expected[slot][5:], smoothed, rtol=1e-5)
        rows = flatten_rows(targets, targets["levels"][stride], cols=expected.shape[2])
        trained = rows.trained_boxes(targets["levels"][stride]).numpy()
        listed = arrays[f"label_boxes_{i}"]
        for image in range(meta["B"]):
            boxes = arrays["boxes"][image, trained[image], :4]
            listed_boxes = listed[image][listed[image].any(axis=-1)]
            centres = (boxes[:, :2] + boxes[:, 2:]) / 2
            ours = np.concatenate([centres, boxes[:, 2:] - boxes[:, :2]], axis=-1)
            np.testing.assert_allclose(ours, listed_boxes, rtol=1e-6)
    assert (arrays["n_boxes"] > 0).any()


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("path", cases("yunyang_"))
def test_loss_and_gradients(path, jit):
    arrays, meta = load(path)
    head = make_head(arrays, meta)
    raw = {s: tf.constant(arrays[f"conv_{i}"]) for i, s in enumerate(meta["strides"])}

    @tf.function(jit_compile=jit, autograph=False)
    def step(raw):
        with tf.GradientTape() as tape:
            tape.watch(raw)
            values = head.loss(encode(head, arrays, meta), raw)
            means = {name: tf.reduce_mean(value) for name, value in values.items()}
        return means, tape.gradient(means["loss"], raw)

    means, gradients = step(raw)
    for i, stride in enumerate(meta["strides"]):
        for name, expected in zip(meta["loss_fields"], arrays[f"losses_{i}"], strict=True):
            ours = means[f"{PARTS[name]}_{stride}"]
            np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=1e-6, err_msg=name)
        expected = arrays[f"grad_{i}"]
        tolerance = 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(gradients[stride], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("path", cases("yunyang_"))
def test_decoded_boxes(path):
    arrays, meta = load(path)
    head = make_head(arrays, meta)
    for i, stride in enumerate(meta["strides"]):
        expected = arrays[f"decoded_xywh_{i}"]
        raw = arrays[f"conv_{i}"].reshape(*expected.shape[:-1], -1)[..., :4]
        ymin, xmin, ymax, xmax = np.moveaxis(head.levels[stride].decode(raw).numpy(), -1, 0)
        ours = np.stack([(xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin], -1)
        np.testing.assert_allclose(ours * meta["size"], expected, rtol=1e-5, atol=1e-3)
