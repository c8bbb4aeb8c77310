"""yolo_n: three levels without anchors, 2.9 million parameters, made for one CPU or a small device.

  scripts/train.py --config=configs/yolo_n.py --workdir=runs/cells \\
      --config.data.train='records/cells-train*' --config.data.val='records/cells-val*'

The task-aligned head, AdamW, a learning rate that stays at its peak for half of the training,
averages of the weights, and mosaics until the last epochs, which are without them. Made for small
data sets: a few hundred images and updates. For large ones: docs/models.md.

On BCCD (205 training images) from random weights and seed 1, 1,460 processor seconds of one core,
last checkpoint (docs/heads.md):

  split  images  AP     AP50   AP75   Platelets  RBC    WBC (AP50)
  val        87  0.615  0.892  0.686  0.866      0.812  0.999
  test       72  0.610  0.892  0.716  0.895      0.799  0.982
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
    # Crops that change the aspect by a little alone; with Darknet's 0.3 AP was lower.
    augment = AugmentConfig(
        jitter=0.15, mosaic=0.5, mosaic_manner="scaled", off_epochs=5, off="mixing"
    )
    return Config(
        input_size=(416, 416),
        model=ModelConfig(name="yolo_n", bn_epsilon=1e-3),
        head=TalHeadConfig(),
        nms=NmsConfig(iou_threshold=0.7),
        data=DataConfig(augment=augment),
        train=TrainConfig(
            epochs=33,
            batch_size=8,
            optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, weight_decay=0.05),
            # Flat for the first half: of few updates none is spent on small steps too early.
            schedule=ScheduleConfig(name="flat_cosine", warmup_epochs=2, final_fraction=0.02),
            # With its ramp: over the last tenth of the updates at first, over 5,000 at most.
            averages=AveragesConfig(decay=0.9998),
            evaluate_every=11,
        ),
    )
