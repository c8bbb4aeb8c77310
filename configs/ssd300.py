"""SSD300: VGG-16 and six levels, 24 million parameters, the published training; meant for a GPU.

  scripts/train.py --config=configs/ssd300.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'

Priors are those of VOC; for COCO, whose objects are smaller, take the scales
(0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05).
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

FEW = (1.0, 2.0, 1 / 2)
MORE = (*FEW, 3.0, 1 / 3)


def get_config() -> Config:
    return Config(
        input_size=(300, 300),
        model=ModelConfig(name="ssd300"),
        head=SsdHeadConfig(
            aspect_ratios={8: FEW, 16: MORE, 32: MORE, 64: MORE, 100: FEW, 300: FEW},
            scales=(0.1, 0.2, 0.37, 0.54, 0.71, 0.88, 1.05),
            steps={8: 8, 16: 16, 32: 32, 64: 64, 100: 100, 300: 300},
        ),
        nms=NmsConfig(score_threshold=0.01, iou_threshold=0.45, max_detections=200),
        train=TrainConfig(
            epochs=0,
            updates=120_000,
            batch_size=32,
            optimizer=OptimizerConfig(name="sgd", learning_rate=1e-3, weight_decay=5e-4),
            schedule=ScheduleConfig(name="steps", steps_at=(0.667, 0.833), warmup_updates=1000),
        ),
    )
