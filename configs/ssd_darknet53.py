"""SSD on Darknet-53: five levels, 43 million parameters; meant for a GPU.

  scripts/train.py --config=configs/ssd_darknet53.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'

The backbone is that of YOLOv3, so Darknet's weights of it fit:
--config.transfer.source=darknet53.conv.74 --config.transfer.mode=backbone
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
        input_size=(416, 416),
        model=ModelConfig(name="ssd_darknet53"),
        head=SsdHeadConfig(
            aspect_ratios={8: FEW, 16: MORE, 32: MORE, 64: MORE, 128: FEW},
            scales=(0.07, 0.15, 0.33, 0.54, 0.75, 0.96),
        ),
        nms=NmsConfig(score_threshold=0.01, iou_threshold=0.45),
        train=TrainConfig(
            epochs=100,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=3),
        ),
    )
