"""YOLOX-Nano as published: CSPDarknet, depthwise, three levels, 0.9 million parameters.

  scripts/train.py --config=configs/yolox_nano.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'

The optimiser is that of configs/yolox_tiny.py, for small data sets. The published weights make a
better start: docs/models.md tells how to bring them in (--config.transfer.source=FOLDER). As in
the paper (arXiv:2107.08430) there is mosaic but no mixup, and the last epochs have neither.
YOLOX-Tiny takes the same recipe: --config.model.name=yolox_tiny_csp
"""

from yolo_tf.config import (
    AugmentConfig,
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
    return Config(
        input_size=(416, 416),
        model=ModelConfig(name="yolox_nano", bn_epsilon=1e-3),
        head=YoloxHeadConfig(strides=(8, 16, 32)),
        nms=NmsConfig(iou_threshold=0.65),
        data=DataConfig(
            resize="letterbox",
            augment=AugmentConfig(mosaic=0.5, mosaic_manner="scaled", off_epochs=15),
        ),
        train=TrainConfig(
            epochs=100,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=2),
            evaluate_every=5,
        ),
    )
