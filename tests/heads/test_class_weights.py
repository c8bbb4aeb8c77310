"""Weights of classes: what they change in the loss of every head, and what they do not."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.every_head import HEADS
from yolo_tf.config import Config
from yolo_tf.detector.build import build_head
from yolo_tf.errors import UserError

CLASSES = 3


def values(name: str, classes: list[int], weights: tuple[float, ...]) -> dict:
    """The loss of an image with two boxes of these classes."""
    head = build_head(_config(name, weights), CLASSES)
    boxes = tf.constant([[[0.1, 0.1, 0.4, 0.4], [0.5, 0.5, 0.9, 0.8], [0.0, 0.0, 0.0, 0.0]]])
    targets = head.encode(boxes, tf.constant([[*classes, -1]]))
    generator = np.random.default_rng(0)
    outputs = {
        stride: tf.constant(
            generator.normal(size=(1, 96 // stride, 96 // stride, head.output_channels(stride))),
            tf.float32,
        )
        for stride in head.strides
    }
    return {key: float(value[0]) for key, value in head.loss(targets, outputs).items()}


def _config(name: str, weights: tuple[float, ...]) -> Config:
    config = Config()
    config.head = dataclasses.replace(HEADS[name], class_weights=weights)
    config.input_size = (96, 96)
    return config


@pytest.mark.parametrize("name", HEADS)
def test_a_class_counts_by_its_weight(name):
    plain = values(name, [0, 1], ())
    assert values(name, [0, 1], (1.0, 1.0, 5.0)) == pytest.approx(plain, rel=1e-5)  # no such box
    none, twice, thrice = (values(name, [0, 1], (w, w, 1.0)) for w in (0.0, 2.0, 3.0))
    # The class error of objects is a multiple of the weight; the background has its own.
    step = plain["class_loss"] - none["class_loss"]
    assert step > 0
    assert twice["class_loss"] - plain["class_loss"] == pytest.approx(step, rel=1e-3)
    assert thrice["class_loss"] - plain["class_loss"] == pytest.approx(2 * step, rel=1e-3)
    assert twice["box_loss"] == pytest.approx(plain["box_loss"])
    one, other = (values(name, [0, 1], w) for w in ((3.0, 1.0, 1.0), (1.0, 3.0, 1.0)))
    assert one["class_loss"] + other["class_loss"] == pytest.approx(
        thrice["class_loss"] + plain["class_loss"], rel=1e-3
    )


def test_a_weight_for_each_class_is_expected():
    with pytest.raises(UserError, match=r"class_weights: found 2 values, expected 3, one for each"):
        build_head(_config("yolox", (1.0, 2.0)), CLASSES)
