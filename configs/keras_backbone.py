"""A backbone of Keras with ImageNet weights, a light neck and YOLOX's head; three levels.

  scripts/train.py --config=configs/keras_backbone.py --workdir=runs/NAME \\
      --config.data.train='records/NAME-train*' --config.data.val='records/NAME-val*'

Any network of tf_keras.applications: --config.model.backbone=applications:EfficientNetB0. Keras
fetches its ImageNet weights when training starts; without a network name a file of them,
--config.model.backbone_weights=FILE.h5, or none. --config.transfer.mode=fine_tune freezes the
backbone. Any other recipe with outputs at strides 8, 16 and 32 takes --config.model.backbone too.
"""

from yolo_tf.config import (
    AugmentConfig,
    Config,
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
    YoloxHeadConfig,
)


def get_config() -> Config:
    return Config(
        input_size=(416, 416),
        model=ModelConfig(name="keras_backbone", backbone="applications:MobileNetV3Small"),
        head=YoloxHeadConfig(strides=(8, 16, 32)),
        data=DataConfig(resize="letterbox", augment=AugmentConfig(off_epochs=5)),
        train=TrainConfig(
            epochs=60,
            batch_size=16,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(name="cosine", warmup_epochs=2),
            evaluate_every=5,
        ),
    )
