"""What every detector has: the trained one and those of exports. TensorFlow alone: no images."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

from yolo_tf.config import NmsConfig
from yolo_tf.errors import UserError
from yolo_tf.ops import resize

_NO_COPY = (
    "a detector cannot be {verb}: it holds a compiled network; load it where it is needed, with"
    " yolo_tf.load of its run folder or export, or copy its weights with set_weights"
)


class BaseDetector:
    """Base of the trained detector and of its exports. A subclass gives `detect_inputs`.

    Args:
      class_names: name of each class, in order.
      input_size: (height, width) pixels that `detect_inputs` takes.
      resize_method: a key of `ops.resize.RESIZES`: how an image becomes an input.
      nms: settings of the non-maximum suppression within `detect_inputs`.

    Attributes:
      traceable: whether `detect_inputs` consists of TensorFlow operations, which a tf.function
        can hold; a subclass that calls another runtime says False.
      fixed_nms: whether the suppression is a part of the model, which no change of `nms` reaches.
    """

    traceable = True
    fixed_nms = False

    def __init__(
        self,
        class_names: Sequence[str],
        input_size: tuple[int, int],
        resize_method: str = "stretch",
        nms: NmsConfig | None = None,
    ):
        self.class_names = list(class_names)
        self.input_size = tuple(input_size)
        self.resize_method = resize_method
        self.nms = nms or NmsConfig()
        self.nms_given = repr(self.nms)

    def detect_inputs(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Detections on images that already have the network's input size.

        Args:
          images: [B, H, W, 3] float32 in [0, 1].

        Returns:
          detection_boxes [B, K, 4] yxyx normalised to the network input, detection_scores
          [B, K], detection_classes [B, K] int32 (padding -1), num_detections [B] int32, by
          falling score.
        """
        raise NotImplementedError

    def detect_images(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Detections on images of any size, the same for all: resizing and its inverse included.

        Args:
          images: [B, H, W, 3] uint8 in [0, 255] or float32 in [0, 1].

        Returns:
          As `detect_inputs`, but the boxes are normalised to the image and clipped to it.
        """
        inputs, placements = resize.RESIZES[self.resize_method](images, self.input_size)
        return self.to_images(self.detect_inputs(inputs), placements)

    def to_images(self, found: dict[str, tf.Tensor], placements: tf.Tensor) -> dict[str, tf.Tensor]:
        """Detections normalised to the input -> to the image, clipped; `placements` [B, 4]."""
        boxes = resize.boxes_to_image(found["detection_boxes"], placements)
        return found | {"detection_boxes": tf.clip_by_value(boxes, 0.0, 1.0)}

    def detect(
        self,
        x,
        score_threshold: float = 0.25,
        classes: Sequence[str] | None = None,
        batch_size: int = 8,
    ):
        """The `Detections` in one image, or in each of several: see `Predictor.detect`."""
        return predictor_of(self).detect(x, score_threshold, classes, batch_size)

    def detect_arrays(self, images: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
        """All detections as padded arrays: see `Predictor.detect_arrays`."""
        return predictor_of(self).detect_arrays(images)

    def compiled(self, function: Callable, **settings) -> Callable:
        """The function of this detector as a tf.function, or as it is where none can hold it."""
        return tf.function(function, autograph=False, **settings) if self.traceable else function

    def __deepcopy__(self, memo):
        raise UserError(_NO_COPY.format(verb="copied"))

    def __reduce_ex__(self, protocol):
        raise UserError(_NO_COPY.format(verb="pickled"))


def predictor_of(detector: BaseDetector):
    """The one `Predictor` of a detector, which keeps what it has traced."""
    from yolo_tf.detect.predictor import Predictor  # Pillow and fonts: not where it trains alone

    if "_predictor" not in detector.__dict__:
        # Past __setattr__: Keras would track what it is given.
        detector.__dict__["_predictor"] = Predictor(detector)
    return detector.__dict__["_predictor"]
