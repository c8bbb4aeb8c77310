"""YOLOX on backbone and neck of YOLOv3-tiny: two levels, for one CPU or a small GPU.

  scripts/train.py --config=configs/yolox_tiny.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'

The settings of configs/yolov3_tiny.py but for the head and the end: as in the paper
(arXiv:2107.08430) the last epochs have no augmentation.

On BCCD from random weights, 44 epochs, validation split: AP50 0.860, AP 0.534 (docs/heads.md).
"""

from yolo_tf.config import (
    AugmentConfig,
    Config,
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
    YoloxHeadConfig,
)


def get_config() -> Config:
    return Config(
        input_size=(416, 416),
        model=ModelConfig(name="yolox_tiny"),
        head=YoloxHeadConfig(strides=(16, 32)),
        data=DataConfig(augment=AugmentConfig(off_epochs=5)),
        train=TrainConfig(
            epochs=60,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=2),
            evaluate_every=5,
        ),
    )
