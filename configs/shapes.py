"""The demo: YOLOv3-tiny on drawn shapes, a few minutes on two CPU cores.

  make demo

400 training images of five classes, 22 epochs in 3.4 minutes: AP50 0.941, AP 0.614 on 100
validation images.
"""

from yolo_tf.config import (
    AugmentConfig,
    Config,
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
    YoloHeadConfig,
)


def get_config() -> Config:
    return Config(
        input_size=(160, 160),
        model=ModelConfig(name="yolov3_tiny"),
        head=YoloHeadConfig(
            anchors={
                16: ((12, 12), (20, 20), (28, 28)),
                32: ((38, 38), (54, 54), (76, 76)),
            },
            scale_xy={16: 1.05, 32: 1.05},
        ),
        data=DataConfig(
            augment=AugmentConfig(jitter=0.1, hue=0.0, saturation=1.0, exposure=1.0, off_epochs=4)
        ),
        train=TrainConfig(
            epochs=22,
            batch_size=8,
            optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=1),
            evaluate_every=5,
        ),
    )
