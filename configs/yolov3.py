"""YOLOv3: Darknet-53 and three levels, 62 million parameters; meant for a GPU.

  scripts/train.py --config=configs/yolov3.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'
"""

from yolo_tf.config import (
    YOLOV3_ANCHORS,
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
        model=ModelConfig(name="yolov3"),
        head=YoloHeadConfig(anchors=YOLOV3_ANCHORS, scale_xy={8: 1.2, 16: 1.1, 32: 1.05}),
        train=TrainConfig(
            epochs=100,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=3),
        ),
    )
