"""Small recipes and networks, for tests that train."""

import tf_keras

from yolo_tf.config import (
    Config,
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
    YoloHeadConfig,
)
from yolo_tf.models.batch_norm import SynchronizedBatchNorm


def small_config(train="", val="", input_size=(64, 96), epochs=2, **train_settings) -> Config:
    """YOLOv3-tiny on small inputs, three steps of 8 images an epoch on `shapes_records`."""
    train_settings.setdefault("report", False)
    return Config(
        input_size=input_size,
        model=ModelConfig(name="yolov3_tiny"),
        head=YoloHeadConfig(
            anchors={16: ((8, 8), (14, 14), (20, 20)), 32: ((26, 26), (32, 32), (48, 48))},
            scale_xy={16: 1.05, 32: 1.05},
        ),
        data=DataConfig(train=train, val=val, shuffle_buffer=64, max_boxes=8),
        train=TrainConfig(
            epochs=epochs,
            batch_size=8,
            optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(warmup_epochs=0.5),
            **train_settings,
        ),
    )


def micro(
    input_size,
    output_channels,
    bn_momentum,
    bn_epsilon,
    output_bias,
    bn_synchronized=False,
    bn_folded=False,
):
    """A network of three convolutions and two outputs: the steps are traced in a second."""
    layers = tf_keras.layers
    images = layers.Input((*input_size, 3))
    x, outputs = images, {}
    for number, (stride, size) in enumerate(((4, 4), (16, 4), (32, 2))):
        name = f"backbone_conv_{number:03d}"
        x = layers.Conv2D(16, size, strides=size, use_bias=bn_folded, name=name)(x)
        if not bn_folded:
            layer = SynchronizedBatchNorm if bn_synchronized else layers.BatchNormalization
            x = layer(momentum=bn_momentum, epsilon=bn_epsilon, name=f"{name}_bn")(x)
        x = layers.LeakyReLU(0.1)(x)
        if stride in output_channels:
            bias = tf_keras.initializers.Constant(output_bias[stride])
            outputs[stride] = layers.Conv2D(
                output_channels[stride],
                1,
                bias_initializer=bias,
                dtype="float32",
                name=f"output_conv_{stride:03d}",
            )(x)
    return tf_keras.Model(images, outputs, name="micro")


def add_micro(monkeypatch) -> None:
    """Makes "micro" a name of the zoo, with strides 16 and 32."""
    from yolo_tf.models import zoo

    monkeypatch.setitem(zoo.MODELS, "micro", micro)
    monkeypatch.setitem(zoo.STRIDES, "micro", (16, 32))
