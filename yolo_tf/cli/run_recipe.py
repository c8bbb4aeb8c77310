"""The recipe of a run, for a new training from its weights."""

from pathlib import Path

from yolo_tf.config import Config, DataConfig, TransferConfig


def get_config(folder: str) -> Config:
    """The run's own, but for its data, its class count and the weights it began with.

    Args:
      folder: of the run.
    """
    from yolo_tf.runs.recipe_files import read_recipe

    config = read_recipe(Path(folder))[0]
    augment, resize = config.data.augment, config.data.resize
    max_boxes = config.data.max_boxes
    config.data = DataConfig(augment=augment, resize=resize, max_boxes=max_boxes)
    config.transfer, config.model.num_classes = TransferConfig(), 0
    return config
