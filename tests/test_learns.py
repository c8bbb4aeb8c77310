"""Every head and loss learns eight pictures by heart, on its smallest network."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.build import build_detector
from yolo_tf.config import (
    AssignConfig,
    Config,
    DarknetLossConfig,
    DataConfig,
    FocalGiouLossConfig,
    ModelConfig,
    ScaledLossConfig,
    SquaredLossConfig,
    SsdHeadConfig,
    YoloHeadConfig,
    YoloxHeadConfig,
)
from yolo_tf.data import pipeline
from yolo_tf.evaluate.run import Validator

SIZE, IMAGES, STEPS = (96, 96), 8, 120
ANCHORS = {16: ((8, 8), (14, 14), (20, 20)), 32: ((26, 26), (32, 32), (48, 48))}
RATIOS = (1.0, 2.0, 1 / 2)


def yolo(loss, **settings):
    settings = {"scale_xy": {16: 1.05, 32: 1.05}, **settings}
    return YoloHeadConfig(anchors=ANCHORS, loss=loss, **settings)


SCALED_ASSIGN = AssignConfig(threshold=4.0, require_threshold=True, neighbour_cells=True)
NEW_COORDS = {"codec": "scaled", "scale_xy": {16: 2.0, 32: 2.0}, "assign": SCALED_ASSIGN}
# name -> (network, head)
HEADS = {
    "darknet": ("yolov3_tiny", yolo(DarknetLossConfig())),
    "darknet_mse": ("yolov3_tiny", yolo(DarknetLossConfig(iou_type="mse", box_normalizer=0.75))),
    "darknet_new_coords": (
        "yolov3_tiny",
        yolo(
            DarknetLossConfig(gradient="analytic", box_normalizer=2.0),
            codec="scaled",
            scale_xy={16: 2.0, 32: 2.0},
        ),
    ),
    "scaled": ("yolov3_tiny", yolo(ScaledLossConfig(class_normalizer=8.0), **NEW_COORDS)),
    "squared": (
        "yolov3_tiny",
        yolo(SquaredLossConfig(), scale_xy={}, assign=AssignConfig(policy="best")),
    ),
    "focal_giou": (
        "yolov3_tiny",
        yolo(FocalGiouLossConfig(), scale_xy={}, assign=AssignConfig(policy="cell_iou")),
    ),
    "yolox": ("yolox_tiny", YoloxHeadConfig(strides=(16, 32))),
    "ssd": (
        "ssd_tiny",
        SsdHeadConfig(
            aspect_ratios={16: RATIOS, 32: RATIOS, 64: RATIOS}, scales=(0.15, 0.3, 0.5, 0.8)
        ),
    ),
}


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    """(pattern of the records, class names)."""
    from yolo_tf.data.build import build
    from yolo_tf.data.sources.base import Options
    from yolo_tf.data.sources.shapes import CLASSES, ShapesSource

    folder = tmp_path_factory.mktemp("eight")
    source = ShapesSource(Options(split="train", images=IMAGES, size=SIZE))
    build(source, folder, "shapes", "train", shards=1)
    return f"{folder}/shapes-train*", list(CLASSES)


@pytest.mark.parametrize("name", HEADS)
def test_learns(eight, name):
    pattern, class_names = eight
    tf_keras.utils.set_random_seed(0)
    network, head = HEADS[name]
    config = Config(
        input_size=SIZE,
        # Few steps: the moving statistics must follow soon.
        model=ModelConfig(name=network, bn_momentum=0.9),
        head=head,
        data=DataConfig(train=pattern, max_boxes=8),
    )
    detector = build_detector(config, class_names)
    dataset = pipeline.evaluation_dataset(
        pattern, config.data, SIZE, IMAGES, class_names, encode=detector.head.encode
    )
    first = next(iter(dataset))
    keys = tf.range(IMAGES, dtype=tf.int64)
    batch = {"image": first["image"], "targets": first["targets"], "image_key": keys}
    curve = tf_keras.optimizers.schedules.CosineDecay(2e-3, STEPS)
    detector.compile(optimizer=tf_keras.optimizers.Adam(curve, global_clipnorm=10.0))
    step = tf.function(detector.train_step)

    for _ in range(STEPS):
        values = step(batch)

    assert np.isfinite(float(values["loss"]))
    assert Validator(detector, dataset)()["AP50"] >= 0.9
