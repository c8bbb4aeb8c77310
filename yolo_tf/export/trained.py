"""What is exported: a trained detector, its recipe, and what single formats need beside them."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tf_keras

from yolo_tf.config import Config
from yolo_tf.detector.detector import Detector
from yolo_tf.export.fold import folded

DETECTIONS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
# Without suppression, named as the TF Object Detection API does.
RAW_DETECTIONS = ("raw_detection_boxes", "raw_detection_scores")


@dataclass(frozen=True)
class Trained:
    """One model on its way into other formats.

    Attributes:
      detector: with its weights.
      config: the recipe that it was built from.
      name: that of its run; Darknet's files are called so.
      images_seen: images that it was trained with, for Darknet's header.
      nms: whether TFLite and ONNX models suppress overlapping boxes themselves.
      calibration: gives images [1, H, W, 3] float32 in [0, 1] as the network takes them, some
        hundred at most; None: there are none, and nothing can be quantised.
    """

    detector: Detector
    config: Config
    name: str = "model"
    images_seen: int = 0
    nms: bool = True
    calibration: Callable[[], Iterable[np.ndarray]] | None = None

    @functools.cached_property
    def network(self) -> tf_keras.Model:
        """The network in float32 without batch norm."""
        return folded(self.detector, self.config)

    @property
    def output_names(self) -> tuple[str, ...]:
        """What TFLite and ONNX models return, in this order."""
        return DETECTIONS if self.nms else RAW_DETECTIONS

    def detect_outputs(self, outputs: dict[int, tf.Tensor]) -> list[tf.Tensor]:
        """Raw outputs of the network -> the tensors of `output_names`.

        Without suppression these are boxes [B, M, 4] yxyx normalised to the network input, not
        clipped, and scores [B, M, C]: all that the network found, whatever it scores.
        """
        if not self.nms:
            return list(self.detector.head.decode(outputs))
        found = self.detector.detect_outputs(outputs)
        return [found[name] for name in DETECTIONS]
