"""A network and its training from a Darknet cfg file; its `[net]` and `[yolo]` set the recipe.

  scripts/train.py --config=configs/darknet.py --config.model.cfg=yolov4-tiny.cfg \\
      --config.transfer.source=yolov4-tiny.weights --workdir=runs/cells \\
      --config.data.train='records/cells-train*' --config.data.val='records/cells-val*'

Flags go over the cfg: --config.train.epochs=50, --config.input_size=320,320. The class count is
the data's. docs/darknet.md has worked examples and their figures.
"""

from yolo_tf.config import Config, ModelConfig


def get_config() -> Config:
    return Config(model=ModelConfig(name="darknet"))
