"""The contract between the YOLO head and its losses."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import ClassVar

import tensorflow as tf

from yolo_tf.heads.yolo.level import Level

# What every loss returns of a level, [B] each.
LOSS_PARTS = ("box_loss", "class_loss", "objectness_loss")
METRICS = ("avg_iou", "avg_obj")


class LevelLoss(ABC):
    """The loss of one level of a YOLO head; `config` may differ by level."""

    # Field of the config -> the values it may have. The head checks them.
    CHOICES: ClassVar[dict[str, Collection[str]]] = {}
    # The numbers of an image depend on this image alone, not on counts over the batch.
    by_image: ClassVar[bool] = False

    def __init__(self, config):
        self.config = config

    @abstractmethod
    def __call__(self, targets: dict, level_targets: dict, raw: tf.Tensor, level: Level) -> dict:
        """Parts of the loss and metrics of each image.

        Args:
          targets: result of `assign.encode`.
          level_targets: its entry of this level.
          raw: [B, rows, cols, A, 5 + C] float32.

        Returns:
          name -> [B] float32: box_loss, class_loss, objectness_loss (weighted, their sum is the
          loss), avg_iou of the positives, avg_obj (their probability of an object).
        """
