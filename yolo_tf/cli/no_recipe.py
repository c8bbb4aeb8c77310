"""Stands for --config where none is given: --resume takes the run's own."""

from yolo_tf.config import Config


def get_config() -> Config:
    return Config()
