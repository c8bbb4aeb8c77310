"""Image files and arrays of any kind through a detector: decode, resize, detect, take back."""

import itertools
import numbers
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

from yolo_tf.config import NmsConfig
from yolo_tf.config.check import check_settings
from yolo_tf.detect.detections import Detections, check_threshold, known_classes
from yolo_tf.detect.images import as_images, checked
from yolo_tf.errors import UserError, check_choice
from yolo_tf.ops import resize
from yolo_tf.ops.nms import NMS_KINDS
from yolo_tf.visualize.draw import to_uint8


class Predictor:
    """Finds objects in images of any kind and size.

    Args:
      detector: a `BaseDetector`; changes of its `nms` hold for the next call.
    """

    def __init__(self, detector):
        self.detector = detector
        self._traced = None

    def detect_arrays(self, images: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
        """All detections, also those of low score, as padded arrays.

        Args:
          images: at least one, each [H, W, 3] of any size, uint8 in [0, 255] or float in [0, 1].
            They are resized one by one and detected together.

        Returns:
          As `BaseDetector.detect_images`, in NumPy.

        Raises:
          UserError: another shape or type, or values out of range.
        """
        to_input, detect = self._functions()
        images = [checked(image) for image in images]
        inputs, placements = zip(*map(to_input, images), strict=True)
        found = detect(tf.stack(inputs), tf.stack(placements))
        return {name: np.asarray(value) for name, value in found.items()}

    def detect(
        self,
        x,
        score_threshold: float = 0.25,
        classes: Sequence[str] | None = None,
        batch_size: int = 8,
    ) -> Detections | list[Detections]:
        """The objects in one image, or in each of several.

        Args:
          x: an image file (its path, bytes or open file; turned upright as its EXIF data say), a
            PIL image, or an array or tensor [H, W, 3], RGB, uint8 in [0, 255] or float in [0, 1];
            or several: an array [B, H, W, 3], or a list (any iterable) of such images, of any
            sizes.
          score_threshold: 0 to 1; objects that score less are left out. Of those below the
            suppression's own threshold (`detector.nms.score_threshold`) none is ever found.
          classes: names of the classes to look for; None: all.
          batch_size: images detected together; changes speed and memory, not what is found.

        Returns:
          For one image its `Detections`, for several a list of them, in their order.

        Raises:
          UserError: what is no image, or a file that is damaged or too large; no class of this
            name; a threshold, batch size or setting of `detector.nms` out of its range.
        """
        check_threshold(score_threshold)
        classes = known_classes(classes, self.detector.class_names)
        if isinstance(batch_size, bool) or not isinstance(batch_size, numbers.Integral):
            raise UserError(f"batch_size: found {batch_size!r:.60}, expected a whole number")
        if batch_size < 1:
            raise UserError(f"batch_size: found {batch_size}, expected at least 1")
        self._check_nms()
        images, several = as_images(x)
        found = []
        while batch := list(itertools.islice(images, batch_size)):
            arrays = self.detect_arrays(batch)
            columns = [arrays[f"detection_{name}"] for name in ("boxes", "scores", "classes")]
            for image, boxes, scores, labels in zip(batch, *columns, strict=True):
                real = labels >= 0
                pixels = image if image.dtype == np.uint8 else to_uint8(image)
                one = Detections(
                    pixels, boxes[real], scores[real], labels[real], list(self.detector.class_names)
                )
                found.append(one.only(score_threshold, classes))
        return found if several else found[0]

    def _check_nms(self) -> None:
        """Raises `UserError` where `nms` was changed to what it cannot be, or without effect."""
        if repr(self.detector.nms) == self.detector.nms_given:
            return
        check_settings(self.detector.nms, NmsConfig, "nms")
        check_choice("nms.kind", self.detector.nms.kind, NMS_KINDS)
        if self.detector.fixed_nms:
            raise UserError(
                "nms: found another setting, but this model has its suppression inside, as it was"
                " exported; export it again with other settings, or load its run folder"
            )

    def _functions(self) -> tuple[Callable, Callable]:
        """Image -> input and placement; inputs and placements -> detections on the images."""
        detector = self.detector
        settings = repr((detector.nms, detector.input_size, detector.resize_method))
        known = self._traced
        if known is None or known[0] != settings:  # a graph holds the settings of its time
            size = tuple(detector.input_size)

            def resized(image):
                return resize.RESIZES[detector.resize_method](image, size)

            # A trace for each type, none for each size.
            traces = {
                kind: tf.function(resized, [tf.TensorSpec([None, None, 3], kind)], autograph=False)
                for kind in (tf.uint8, tf.float32)
            }

            def to_input(image):
                image = tf.convert_to_tensor(image)
                return traces[image.dtype](image)

            def detect(images, placements):
                return detector.to_images(detector.detect_inputs(images), placements)

            specs = [tf.TensorSpec([None, *size, 3]), tf.TensorSpec([None, 4])]
            detect = detector.compiled(detect, input_signature=specs)
            known = self._traced = settings, to_input, detect
        return known[1:]
