"""YOLOv3 with spatial pyramid pooling before its first output; 63 million parameters."""

from yolo_tf.config import (
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
        model=ModelConfig(name="yolov3_spp"),
        head=YoloHeadConfig(
            anchors={
                8: ((10, 13), (16, 30), (33, 23)),
                16: ((30, 61), (62, 45), (59, 119)),
                32: ((116, 90), (156, 198), (373, 326)),
            },
            scale_xy={8: 1.2, 16: 1.1, 32: 1.05},
        ),
        train=TrainConfig(
            epochs=100,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=3),
        ),
    )
