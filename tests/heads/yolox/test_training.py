"""A detector with the head of YOLOX trains, and takes the L1 part on the way."""

import numpy as np
import tensorflow as tf
import tf_keras

from tests.heads.yolox.boxes import random_truths
from tests.small import add_micro
from yolo_tf.config import Config, ModelConfig, OptimizerConfig, YoloxHeadConfig
from yolo_tf.detector.build import build_detector
from yolo_tf.train.optimizers import make_optimizer

SIZE = (64, 96)


def test_loss_falls_and_boxes_are_found(monkeypatch):
    add_micro(monkeypatch)
    tf_keras.utils.set_random_seed(0)
    config = Config(
        input_size=SIZE, model=ModelConfig(name="micro"), head=YoloxHeadConfig(strides=(16, 32))
    )
    detector = build_detector(config, ["cat", "dog", "cow"])
    detector.compile(optimizer=make_optimizer(OptimizerConfig(name="adamw"), 0.01))
    boxes, classes = map(tf.constant, random_truths([1, 0, 1, 1], 5))
    batch = {
        "image": np.random.default_rng(0).random((4, *SIZE, 3), np.float32),
        "targets": detector.head.encode(boxes, classes),
        "image_key": tf.range(1, 5, dtype=tf.int64),
    }
    data = tf.data.Dataset.from_tensors(batch).repeat()
    logs = detector.fit(data, epochs=3, steps_per_epoch=60, verbose=0).history
    assert logs["loss"][-1] < 0.6 * logs["loss"][0]
    assert logs["l1_loss"] == [0, 0, 0]
    assert logs["avg_iou"][-1] > logs["avg_iou"][0]
    assert logs["foregrounds"][-1] >= 3 / 4  # every box has a cell

    detector.head = detector.head.for_last_epochs()
    detector.train_function = None  # traced with the head as it was
    logs = detector.fit(data, epochs=1, steps_per_epoch=5, verbose=0).history
    assert logs["l1_loss"][0] > 0
