"""Heads, outputs and truths that the tests of the YOLO losses share."""

import numpy as np
import tensorflow as tf

from yolo_tf.config import YoloHeadConfig
from yolo_tf.heads.yolo.head import YoloHead

ANCHORS = {16: ((10, 14), (23, 27)), 32: ((81, 82), (135, 169))}
SIZE = (64, 96)


def make_head(loss, classes=3, **settings) -> YoloHead:
    """`loss`: a config of LOSSES; `settings`: of YoloHeadConfig."""
    return YoloHead(YoloHeadConfig(anchors=ANCHORS, loss=loss, **settings), classes, SIZE)


def raw_outputs(head, batch, seed=0):
    random = np.random.default_rng(seed)
    return {
        s: tf.constant(
            random.normal(size=[batch, SIZE[0] // s, SIZE[1] // s, head.output_channels(s)]),
            tf.float32,
        )
        for s in ANCHORS
    }


def truths(counts, limit, classes=3, seed=1):
    """`counts` boxes an image, padded to `limit`."""
    random = np.random.default_rng(seed)
    boxes = np.zeros([len(counts), limit, 4], np.float32)
    labels = np.full([len(counts), limit], -1, np.int32)
    for image, count in enumerate(counts):
        low = random.uniform(0, 0.6, [count, 2])
        boxes[image, :count] = np.concatenate([low, low + random.uniform(0.1, 0.4, [count, 2])], 1)
        labels[image, :count] = random.integers(0, classes, count)
    return tf.constant(boxes), tf.constant(labels)


def loss_and_gradients(head, boxes, labels, outputs, jit=False):
    """Values by image and the gradient by the outputs; operation by operation if not `jit`."""

    def run(outputs):
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            values = head.loss(head.encode(boxes, labels), outputs)
            total = tf.reduce_sum(values["loss"])
        return values, tape.gradient(total, outputs)

    return tf.function(run, jit_compile=True, autograph=False)(outputs) if jit else run(outputs)
