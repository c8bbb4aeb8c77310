"""What detects: whatever finds objects on network inputs, made to take images of any kind."""

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

_NO_COPY = (
    "a detector cannot be {verb}: it holds a compiled network; load it where it is needed, with"
    " yolo_tf.load of its run folder or export, or copy its weights with set_weights"
)


class PhotoDetector:
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
        self._nms_given = repr(self.nms)

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

    def detect_images(self, photos: tf.Tensor) -> dict[str, tf.Tensor]:
        """Detections on images of one size, any size: resizing and its inverse included.

        Args:
          images: [B, H, W, 3] uint8 in [0, 255] or float32 in [0, 1].

        Returns:
          As `detect_inputs`, but the boxes are normalised to the image and clipped to it.
        """
        images, placements = resize.RESIZES[self.resize_method](photos, self.input_size)
        return self.to_images(self.detect_inputs(images), placements)

    def to_images(self, found: dict[str, tf.Tensor], placements: tf.Tensor) -> dict[str, tf.Tensor]:
        """Detections normalised to the input -> to the image, clipped; `placements` [B, 4]."""
        boxes = resize.boxes_to_image(found["detection_boxes"], placements)
        return found | {"detection_boxes": tf.clip_by_value(boxes, 0.0, 1.0)}

    def detect_arrays(self, photos: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
        """All detections, also those of low score, as padded arrays.

        Args:
          images: at least one, each [H, W, 3] of any size, uint8 in [0, 255] or float in [0, 1].
            They are resized one by one and detected together.

        Returns:
          As `detect_images`, in NumPy.

        Raises:
          UserError: another shape or type, or values out of range.
        """
        to_input, detect = self._functions()
        photos = [checked(photo) for photo in photos]
        images, placements = zip(*map(to_input, photos), strict=True)
        found = detect(tf.stack(images), tf.stack(placements))
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
            suppression's own threshold (`self.nms.score_threshold`) none is ever found.
          classes: names of the classes to look for; None: all.
          batch_size: images detected together; changes speed and memory, not what is found.

        Returns:
          For one image its `Detections`, for several a list of them, in their order.

        Raises:
          UserError: what is no image, or a file that is damaged or too large; no class of this
            name; a threshold, batch size or setting of `self.nms` out of its range.
        """
        check_threshold(score_threshold)
        classes = known_classes(classes, self.class_names)
        if isinstance(batch_size, bool) or not isinstance(batch_size, numbers.Integral):
            raise UserError(f"batch_size: found {batch_size!r:.60}, expected a whole number")
        if batch_size < 1:
            raise UserError(f"batch_size: found {batch_size}, expected at least 1")
        self._check_nms()
        photos, several = as_images(x)
        found = []
        while batch := list(itertools.islice(photos, batch_size)):
            arrays = self.detect_arrays(batch)
            columns = [arrays[f"detection_{name}"] for name in ("boxes", "scores", "classes")]
            for photo, boxes, scores, labels in zip(batch, *columns, strict=True):
                real = labels >= 0
                pixels = photo if photo.dtype == np.uint8 else to_uint8(photo)
                one = Detections(
                    pixels, boxes[real], scores[real], labels[real], list(self.class_names)
                )
                found.append(one.only(score_threshold, classes))
        return found if several else found[0]

    def _check_nms(self) -> None:
        """Raises `UserError` where `nms` was changed to what it cannot be, or without effect."""
        if repr(self.nms) == self._nms_given:
            return
        check_settings(self.nms, NmsConfig, "nms")
        check_choice("nms.kind", self.nms.kind, NMS_KINDS)
        if self.fixed_nms:
            raise UserError(
                "nms: found another setting, but this model has its suppression inside, as it was"
                " exported; export it again with other settings, or load its run folder"
            )

    def __deepcopy__(self, memo):
        raise UserError(_NO_COPY.format(verb="copied"))

    def __reduce_ex__(self, protocol):
        raise UserError(_NO_COPY.format(verb="pickled"))

    def compiled(self, function: Callable, **settings) -> Callable:
        """The function of this detector as a tf.function, or as it is where none can hold it."""
        return tf.function(function, autograph=False, **settings) if self.traceable else function

    def _functions(self) -> tuple[Callable, Callable]:
        """Image -> input and placement; inputs and placements -> detections on the images."""
        settings = repr((self.nms, self.input_size, self.resize_method))
        known = self.__dict__.get("_traced")
        if known is None or known[0] != settings:  # a graph holds the settings of its time
            size = tuple(self.input_size)

            def resized(photo):
                return resize.RESIZES[self.resize_method](photo, size)

            # A trace for each type, none for each size.
            traces = {
                kind: tf.function(resized, [tf.TensorSpec([None, None, 3], kind)], autograph=False)
                for kind in (tf.uint8, tf.float32)
            }

            def to_input(photo):
                photo = tf.convert_to_tensor(photo)
                return traces[photo.dtype](photo)

            def detect(images, placements):
                return self.to_images(self.detect_inputs(images), placements)

            specs = [tf.TensorSpec([None, *size, 3]), tf.TensorSpec([None, 4])]
            detect = self.compiled(detect, input_signature=specs)
            # Past __setattr__: Keras would track what it is given.
            known = settings, to_input, detect
            self.__dict__["_traced"] = known
        return known[1:]
