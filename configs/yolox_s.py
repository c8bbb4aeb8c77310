"""YOLOX-S as published: CSPDarknet, three levels, 9.0 million parameters; meant for GPUs.

  scripts/train.py --config=configs/yolox_s.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'

Length, optimiser, schedule, averages, mosaic and mixup are those of the paper (arXiv:2107.08430)
for COCO, at 0.01 for 64 images; with another batch size change the learning rate in proportion.
The published weights: docs/models.md.
"""

from yolo_tf.config import (
    AugmentConfig,
    AveragesConfig,
    Config,
    DataConfig,
    ModelConfig,
    NmsConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
    YoloxHeadConfig,
)


def get_config() -> Config:
    augment = AugmentConfig(
        mosaic=1.0, mosaic_manner="scaled", mixup=1.0, scale=2.0, translate=0.1, off_epochs=15
    )
    return Config(
        input_size=(640, 640),
        model=ModelConfig(name="yolox_s", bn_epsilon=1e-3),
        head=YoloxHeadConfig(strides=(8, 16, 32)),
        nms=NmsConfig(iou_threshold=0.65),
        data=DataConfig(resize="letterbox", augment=augment),
        train=TrainConfig(
            epochs=300,
            batch_size=64,
            optimizer=OptimizerConfig(
                name="sgd", learning_rate=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4
            ),
            schedule=ScheduleConfig(
                name="cosine",
                warmup_epochs=5,
                warmup_power=2.0,
                final_fraction=0.05,
                after_warmup=True,
                last_epochs=15,
            ),
            averages=AveragesConfig(decay=0.9998, ramp="exponential"),
            evaluate_every=10,
        ),
    )
