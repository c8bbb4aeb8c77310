"""yolo_s: yolo_n with twice the channels, 10.6 million parameters, for a CPU with time or a GPU.

  scripts/train.py --config=configs/yolo_s.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'

The settings of configs/yolo_n.py at half its learning rate; a step costs about three times as
much. Nobody has trained it to the end yet, so there are no figures. `--config.model.name=yolo_m`
is the largest of the family, for GPUs. For large data sets: docs/models.md.
"""

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
    # Crops that change the aspect by a little alone.
    augment = AugmentConfig(
        jitter=0.15, mosaic=0.5, mosaic_manner="scaled", off_epochs=5, off="mixing"
    )
    return Config(
        input_size=(416, 416),
        model=ModelConfig(name="yolo_s", bn_epsilon=1e-3),
        head=TalHeadConfig(),
        nms=NmsConfig(iou_threshold=0.7),
        data=DataConfig(augment=augment),
        train=TrainConfig(
            epochs=33,
            batch_size=8,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            # Flat for the first half: of few updates none is spent on small steps too early.
            schedule=ScheduleConfig(name="flat_cosine", warmup_epochs=2, final_fraction=0.02),
            # With its ramp: over the last tenth of the updates at first, over 5,000 at most.
            averages=AveragesConfig(decay=0.9998),
            evaluate_every=11,
        ),
    )
