"""YOLOv4: CSPDarknet-53 with mish and a path aggregation network, 64 million parameters.

Input 608 x 608, three levels, anchors of COCO as in yolov4.cfg; meant for a GPU.

  scripts/train.py --config=configs/yolov4.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'
"""

from yolo_tf.config import (
    Config,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
    YoloHeadConfig,
)

# Pixels at 608 x 608.
ANCHORS = {
    8: ((12, 16), (19, 36), (40, 28)),
    16: ((36, 75), (76, 55), (72, 146)),
    32: ((142, 110), (192, 243), (459, 401)),
}


def get_config() -> Config:
    return Config(
        input_size=(608, 608),
        model=ModelConfig(name="yolov4"),
        head=YoloHeadConfig(anchors=ANCHORS, scale_xy={8: 1.2, 16: 1.1, 32: 1.05}),
        train=TrainConfig(
            epochs=100,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=3),
        ),
    )
