"""YOLOv3-tiny as in YOLOv3's paper: one anchor for each box, squared errors.

  scripts/train.py --config=configs/yolov3_tiny_squared.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'

On BCCD from random weights, 52 epochs, validation split: AP50 0.877, AP 0.520 (docs/heads.md).
"""

from yolo_tf.config import (
    YOLOV3_TINY_ANCHORS,
    AssignConfig,
    Config,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    SquaredLossConfig,
    TrainConfig,
    YoloHeadConfig,
)


def get_config() -> Config:
    return Config(
        input_size=(416, 416),
        model=ModelConfig(name="yolov3_tiny"),
        head=YoloHeadConfig(
            anchors=YOLOV3_TINY_ANCHORS,
            assign=AssignConfig(policy="best"),
            loss=SquaredLossConfig(),
        ),
        train=TrainConfig(
            epochs=60,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=2),
            evaluate_every=5,
        ),
    )
