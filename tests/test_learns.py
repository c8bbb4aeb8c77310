"""Every head and loss learns eight images by heart, on a small network."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.every_head import HEADS
from yolo_tf.config import Config, DataConfig, ModelConfig
from yolo_tf.data.input import pipeline
from yolo_tf.data.records.open_records import Records
from yolo_tf.detector.build import build_detector
from yolo_tf.evaluate.run import Validator
from yolo_tf.models import zoo

pytestmark = pytest.mark.long

SIZE, IMAGES, STEPS = (96, 96), 8, 150


def small(net, images, output_channels):
    """Five convolutions with stride 2, and one more before each output."""
    x, outputs = images, {}
    for stride, filters in ((2, 16), (4, 32), (8, 64), (16, 64), (32, 64)):
        x = net.conv(x, filters, 3, 2)
        if stride in output_channels:
            outputs[stride] = net.output(net.conv(x, 64, 3), output_channels[stride])
    return outputs


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    """(pattern of the records, class names)."""
    from yolo_tf.data.build.build import build
    from yolo_tf.data.sources.base import Options
    from yolo_tf.data.sources.shapes import CLASSES, ShapesSource

    folder = tmp_path_factory.mktemp("eight")
    source = ShapesSource(Options(split="train", images=IMAGES, size=SIZE))
    build(source, folder, "shapes", "train", shards=1)
    return f"{folder}/shapes-train*", list(CLASSES)


@pytest.mark.parametrize("name", HEADS)
def test_learns(eight, name, monkeypatch):
    monkeypatch.setitem(zoo.MODELS, "small", functools.partial(zoo.build, small, "small"))
    monkeypatch.setitem(zoo.STRIDES, "small", (16, 32))
    pattern, class_names = eight
    tf_keras.utils.set_random_seed(0)
    config = Config(
        input_size=SIZE,
        # Few steps: the moving statistics must follow soon.
        model=ModelConfig(name="small", bn_momentum=0.9),
        head=HEADS[name],
        data=DataConfig(train=pattern, max_boxes=8),
    )
    detector = build_detector(config, class_names)
    dataset = pipeline.evaluation_dataset(
        Records.open(pattern), config.data, SIZE, IMAGES, encode=detector.head.encode
    )
    first = next(iter(dataset))
    keys = tf.range(IMAGES, dtype=tf.int64)
    batch = {"image": first["image"], "targets": first["targets"], "image_key": keys}
    curve = tf_keras.optimizers.schedules.CosineDecay(4e-3, STEPS)
    detector.compile(optimizer=tf_keras.optimizers.Adam(curve, global_clipnorm=10.0))
    step = tf.function(detector.train_step)

    for _ in range(STEPS):
        values = step(batch)

    assert np.isfinite(float(values["loss"]))
    assert Validator(detector, lambda _: dataset)()["AP50"] >= 0.9
