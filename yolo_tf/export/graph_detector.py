"""A detector whose network runs outside of TensorFlow."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from yolo_tf.config import Config
from yolo_tf.detect.base import BaseDetector
from yolo_tf.errors import UserError
from yolo_tf.export.trained import DETECTIONS, RAW_DETECTIONS
from yolo_tf.ops.candidates import CandidateConfig, sort_candidates
from yolo_tf.ops.nms import suppress


class GraphDetector(BaseDetector):
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
        return suppress(sort_candidates(boxes, scores, CandidateConfig.of(settings)), **settings)


def check_outputs(path: Path, found, num_classes: int) -> None:
    """Checks on one image that the model of a file gives what our exports give.

    Args:
      path: of the model, for the message.
      found: what it gave: name -> array, if it is ours.
      num_classes: of its recipe.

    Raises:
      UserError: other names or shapes; the model is not ours.
    """
    found = found if isinstance(found, dict) else {}
    shapes = {str(name): tuple(np.shape(value)) for name, value in found.items()}
    raw = set(RAW_DETECTIONS) <= set(shapes)
    missing = [name for name in (RAW_DETECTIONS if raw else DETECTIONS) if name not in shapes]
    if missing:
        others = f"; it gives {', '.join(list(shapes)[:8])}" if shapes else ""
        raise UserError(f"{path}: has no output {', '.join(missing)}{others}; not ours")
    names = RAW_DETECTIONS if raw else DETECTIONS
    rows = (1, *shapes[names[0]][1:2])
    ends = ((4,), (num_classes,)) if raw else ((4,), (), ())
    expected = dict(zip(names, ((*rows, *end) for end in ends), strict=False))
    expected |= {} if raw else {DETECTIONS[-1]: (1,)}
    for name, shape in expected.items():
        if shapes[name] != shape:
            raise UserError(
                f"{path}: output {name} has the shape {list(shapes[name])}, expected"
                f" {list(shape)}; not ours, or of another classes.txt"
            )
