"""Targets, loss and gradients equal yolov3-tf2's."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.fixtures import cases, load
from tests.golden.slots import last_box
from yolo_tf.config import AssignConfig, SquaredLossConfig, YoloHeadConfig
from yolo_tf.heads.yolo.head import YoloHead


def make_head(arrays, meta) -> tuple[YoloHead, dict[int, int]]:
    """The head and stride -> number of the level in the file."""
    levels = {32 >> i: i for i in range(len(arrays["masks"]))}
    loss = SquaredLossConfig(
        ignore_threshold=meta.get("ignore_thresh", 0.5),
        ignore_scope="level",
        class_loss="normalized_sigmoid",
    )
    config = YoloHeadConfig(
        anchors={
            stride: (arrays["anchors"][arrays["masks"][i]] * meta["size"]).tolist()
            for stride, i in levels.items()
        },
        assign=AssignConfig(policy="best"),
        loss=loss,
    )
    return YoloHead(config, meta["classes"], (meta["size"], meta["size"])), levels


def encode(head, arrays):
    xmin, ymin, xmax, ymax, label = np.moveaxis(arrays["boxes"], -1, 0)
    label = np.where(xmax == 0, -1, label)
    boxes = np.stack([ymin, xmin, ymax, xmax], axis=-1).astype(np.float32)
    return head.encode(tf.constant(boxes), tf.constant(label.astype(np.int32)))


@pytest.mark.parametrize("path", cases("y3tf2_targets_", "y3tf2_loss_"))
def test_targets(path):
    arrays, meta = load(path)
    head, levels = make_head(arrays, meta)
    targets = encode(head, arrays)
    total = 0
    for stride, i in levels.items():
        expected = arrays[f"y_true_{i}"]
        found = last_box(targets, stride, expected.shape[1:4])
        np.testing.assert_array_equal(found >= 0, expected[..., 4] > 0)
        for slot in map(tuple, np.argwhere(found >= 0)):
            box = arrays["boxes"][slot[0], found[slot]]
            np.testing.assert_array_equal(box, expected[slot][[0, 1, 2, 3, 5]])
            total += 1
    assert total


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("path", cases("y3tf2_loss_"))
def test_loss_and_gradients(path, jit):
    arrays, meta = load(path)
    head, levels = make_head(arrays, meta)
    raw = {s: tf.constant(arrays[f"pred_{i}"]) for s, i in levels.items()}
    raw = {s: tf.reshape(x, [*x.shape[:3], -1]) for s, x in raw.items()}

    @tf.function(jit_compile=jit, autograph=False)
    def step(raw):
        with tf.GradientTape() as tape:
            tape.watch(raw)
            values = head.loss(encode(head, arrays), raw)
            total = tf.reduce_sum(values["loss"])
        return values, tape.gradient(total, raw)

    values, gradients = step(raw)
    for stride, i in levels.items():
        np.testing.assert_allclose(values[f"loss_{stride}"], arrays[f"loss_{i}"], rtol=2e-5)
        expected = arrays[f"grad_{i}"]
        tolerance = 1e-4 * np.abs(expected).max()
        found = tf.reshape(gradients[stride], expected.shape)
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("path", cases("y3tf2_loss_"))
def test_decoded_boxes(path):
    arrays, meta = load(path)
    head, levels = make_head(arrays, meta)
    for stride, i in levels.items():
        found = head.levels[stride].decode(tf.constant(arrays[f"pred_{i}"][..., :4]))
        expected = arrays[f"box_{i}"][..., [1, 0, 3, 2]]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
