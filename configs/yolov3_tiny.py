"""YOLOv3-tiny: two levels, 8.7 million parameters, made for one CPU or a small GPU."""

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
