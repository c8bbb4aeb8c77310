"""Stands for --config where none is given: --resume takes the run's own, --weights=RUN that one."""

from pathlib import Path

from yolo_tf.config import Config, DataConfig, TransferConfig


def get_config(run: str = "") -> Config:
    """Plain settings; or a run's, but for its data, its class count and the weights it began with.

    Args:
      run: its folder.
    """
    if not run:
        return Config()
    from yolo_tf.runs.recipe_files import read_recipe

    config = read_recipe(Path(run))[0]
    data = config.data
    config.data = DataConfig(augment=data.augment, resize=data.resize, max_boxes=data.max_boxes)
    config.transfer, config.model.num_classes = TransferConfig(), 0
    return config
