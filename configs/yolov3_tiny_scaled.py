"""YOLOv3-tiny with codec, assignment and loss of Scaled-YOLOv4: many positives for each box.

  scripts/train.py --config=configs/yolov3_tiny_scaled.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'

On BCCD from random weights, 52 epochs, validation split: AP50 0.833, AP 0.505 (docs/heads.md).
"""

from yolo_tf.config import (
    YOLOV3_TINY_ANCHORS,
    AssignConfig,
    Config,
    ModelConfig,
    OptimizerConfig,
    ScaledLossConfig,
    ScheduleConfig,
    TrainConfig,
    YoloHeadConfig,
)


def get_config() -> Config:
    return Config(
        input_size=(416, 416),
        model=ModelConfig(name="yolov3_tiny"),
        head=YoloHeadConfig(
            anchors=YOLOV3_TINY_ANCHORS,
            scale_xy={16: 2.0, 32: 2.0},
            codec="scaled",
            assign=AssignConfig(threshold=4.0, require_threshold=True, neighbour_cells=True),
            # The weight of the classes falls with their number; that of 80 is too little for few.
            loss=ScaledLossConfig(class_normalizer=4.0),
            # The part is a mean over cells, and stride 16 has four times as many.
            loss_by_stride={16: {"objectness_normalizer": 2.8}, 32: {"objectness_normalizer": 0.7}},
        ),
        train=TrainConfig(
            epochs=60,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=2),
            evaluate_every=5,
        ),
    )
