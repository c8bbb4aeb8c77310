"""YOLOv4-CSP of Scaled-YOLOv4: mish and cross-stage partial blocks, 53 million parameters.

Input 512 x 512, three levels, anchors and loss as in yolov4-csp.cfg; meant for a GPU.

  scripts/train.py --config=configs/yolov4_csp.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'
"""

from yolo_tf.config import (
    AssignConfig,
    Config,
    DarknetLossConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
    YoloHeadConfig,
)

# Pixels at 512 x 512.
ANCHORS = {
    8: ((12, 16), (19, 36), (40, 28)),
    16: ((36, 75), (76, 55), (72, 146)),
    32: ((142, 110), (192, 243), (459, 401)),
}


def get_config() -> Config:
    return Config(
        input_size=(512, 512),
        model=ModelConfig(name="yolov4_csp"),
        head=YoloHeadConfig(
            anchors=ANCHORS,
            scale_xy={8: 2.0, 16: 2.0, 32: 2.0},
            codec="scaled",
            assign=AssignConfig(threshold=0.2),
            loss=DarknetLossConfig(
                iou_type="ciou", box_normalizer=0.05, class_normalizer=0.5, ignore_threshold=0.7
            ),
            loss_by_stride={
                8: {"objectness_normalizer": 4.0, "objectness_smooth": 0.0, "max_delta": 5.0},
                16: {"objectness_normalizer": 1.0, "objectness_smooth": 1.0, "max_delta": 5.0},
                32: {"objectness_normalizer": 0.4, "objectness_smooth": 1.0, "max_delta": 2.0},
            },
        ),
        train=TrainConfig(
            epochs=100,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=3),
        ),
    )
