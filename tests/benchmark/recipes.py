"""The smallest recipe that a benchmark can run."""

from yolo_tf.config import Config, DataConfig, ModelConfig, TrainConfig, YoloHeadConfig


def tiny(batch_size: int = 2) -> Config:
    return Config(
        input_size=(32, 64),
        model=ModelConfig(name="yolov3_tiny"),
        head=YoloHeadConfig(anchors={16: ((10, 14),), 32: ((30, 30), (60, 40))}),
        data=DataConfig(max_boxes=8, shuffle_buffer=4),
        train=TrainConfig(batch_size=batch_size),
    )


def plausible(figures: dict) -> bool:
    low, middle, high = (figures[k] for k in ("lowest", "images_per_second", "highest"))
    return 0 < low <= middle <= high
