"""SSD on the backbone of YOLOv3-tiny: three levels, made for one CPU or a small GPU.

  scripts/train.py --config=configs/ssd_tiny.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'

On BCCD from random weights, 62 epochs, validation split: AP50 0.874, AP 0.543 (docs/heads.md).
"""

from yolo_tf.config import (
    Config,
    ModelConfig,
    NmsConfig,
    OptimizerConfig,
    ScheduleConfig,
    SsdHeadConfig,
    TrainConfig,
)

RATIOS = (1.0, 2.0, 1 / 2)


def get_config() -> Config:
    return Config(
        input_size=(416, 416),
        model=ModelConfig(name="ssd_tiny"),
        head=SsdHeadConfig(
            aspect_ratios={16: RATIOS, 32: RATIOS, 64: RATIOS},
            scales=(0.08, 0.2, 0.45, 0.8),
        ),
        nms=NmsConfig(score_threshold=0.01, iou_threshold=0.45),
        train=TrainConfig(
            epochs=60,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=2),
            evaluate_every=5,
        ),
    )
