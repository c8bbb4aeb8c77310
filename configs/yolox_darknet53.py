"""YOLOX-Darknet53: YOLOv3-SPP with YOLOX's head, 70 million parameters; meant for GPUs.

  scripts/train.py --config=configs/yolox_darknet53.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'

Length and optimiser are those of the paper (arXiv:2107.08430) for COCO, at 0.01 for 64 images;
its mosaic, mixup and changing input sizes are left out. With another batch size change the
learning rate in proportion. The backbone is that of YOLOv3, so Darknet's weights of it fit:
--config.transfer.source=darknet53.conv.74 --config.transfer.mode=backbone
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
        input_size=(640, 640),
        model=ModelConfig(name="yolox_darknet53"),
        head=YoloxHeadConfig(strides=(8, 16, 32)),
        nms=NmsConfig(iou_threshold=0.65),
        data=DataConfig(resize="letterbox", augment=AugmentConfig(off_epochs=15)),
        train=TrainConfig(
            epochs=300,
            batch_size=64,
            optimizer=OptimizerConfig(
                name="sgd", learning_rate=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4
            ),
            schedule=ScheduleConfig(
                name="cosine", warmup_epochs=5, warmup_power=2.0, final_fraction=0.05
            ),
            evaluate_every=10,
        ),
    )
