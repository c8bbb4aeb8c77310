"""YOLOv4-tiny: two levels, 6.1 million parameters, made for one CPU or a small GPU.

Input 416 x 416, anchors of COCO as in yolov4-tiny.cfg.

  scripts/train.py --config=configs/yolov4_tiny.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'
"""

from yolo_tf.config import (
    Config,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
    YoloHeadConfig,
)

# Pixels at 416 x 416. As published, both levels have (81, 82), and (10, 14) of the list is unused.
ANCHORS = {
    16: ((23, 27), (37, 58), (81, 82)),
    32: ((81, 82), (135, 169), (344, 319)),
}


def get_config() -> Config:
    return Config(
        input_size=(416, 416),
        model=ModelConfig(name="yolov4_tiny"),
        head=YoloHeadConfig(anchors=ANCHORS, scale_xy={16: 1.05, 32: 1.05}),
        train=TrainConfig(
            epochs=100,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=3),
        ),
    )
