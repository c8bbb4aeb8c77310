"""A detector whose network runs outside of TensorFlow."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from yolo_tf.config import Config
from yolo_tf.detect.predictor import PhotoDetector
from yolo_tf.export.trained import RAW_DETECTIONS
from yolo_tf.ops.candidates import Search, sort_candidates
from yolo_tf.ops.nms import suppress


class GraphDetector(PhotoDetector):
    """Detects by a function that takes and gives arrays.

    Args:
      run: [B, H, W, 3] float32 in [0, 1] -> name -> array, by `Trained.output_names`.
      fixed_nms: whether suppression is a part of that.
      config: of the export; its `nms` holds for a model without suppression.
      class_names: name of each class, in order.
    """

    traceable = False

    def __init__(
        self,
        run: Callable[[np.ndarray], dict],
        fixed_nms: bool,
        config: Config,
        class_names: list[str],
    ):
        super().__init__(class_names, config.input_size, config.data.resize, config.nms)
        self._run, self.fixed_nms = run, fixed_nms

    def detect_inputs(self, images):
        found = {k: tf.convert_to_tensor(v) for k, v in self._run(np.asarray(images)).items()}
        if self.fixed_nms:
            return found
        settings = vars(self.nms)
        boxes, scores = (found[name] for name in RAW_DETECTIONS)
        return suppress(sort_candidates(boxes, scores, Search.of(settings)), **settings)
