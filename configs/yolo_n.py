"""yolo_n."""

from yolo_tf.config import (
    AugmentConfig,
    AveragesConfig,
    Config,
    DataConfig,
    ModelConfig,
    NmsConfig,
    OptimizerConfig,
    ScheduleConfig,
    TalHeadConfig,
    TrainConfig,
)


def get_config() -> Config:
    return Config(
        input_size=(416, 416),
        model=ModelConfig(name="yolo_n", bn_epsilon=1e-3),
        head=TalHeadConfig(),
        nms=NmsConfig(iou_threshold=0.7),
        data=DataConfig(
            augment=AugmentConfig(mosaic=0.5, mosaic_manner="scaled", off_epochs=5, off="mixing")
        ),
        train=TrainConfig(
            epochs=60,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="flat_cosine", warmup_epochs=2, final_fraction=0.02),
            averages=AveragesConfig(decay=0.9998),
            evaluate_every=10,
        ),
    )
