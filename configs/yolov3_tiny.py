"""YOLOv3-tiny: two levels, 8.7 million parameters, made for one CPU or a small GPU.

BCCD (blood cells: 205 training images, 3 classes), from random weights:

  scripts/train.py --config=configs/yolov3_tiny.py --workdir=runs/bccd \\
      --config.data.train='records/bccd-train*' --config.data.val='records/bccd-val*'

60 epochs at 416 x 416; an earlier run took 22.5 minutes on 2 CPU cores that other work shared.
Best checkpoint:

  split  images  AP     AP50   AP75   Platelets  RBC    WBC (AP50)
  val        87  0.545  0.874  0.601  0.823      0.801  0.999
  test       72  0.530  0.873  0.609  0.858      0.783  0.977
"""

from yolo_tf.config import (
    YOLOV3_TINY_ANCHORS,
    Config,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
    YoloHeadConfig,
)


def get_config() -> Config:
    return Config(
        input_size=(416, 416),
        model=ModelConfig(name="yolov3_tiny"),
        head=YoloHeadConfig(anchors=YOLOV3_TINY_ANCHORS, scale_xy={16: 1.05, 32: 1.05}),
        train=TrainConfig(
            epochs=60,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=2),
            evaluate_every=5,
        ),
    )
