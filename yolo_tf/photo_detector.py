"""What everything that detects has in common: trained models and all their exports."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from yolo_tf.config import NmsConfig
from yolo_tf.data.pictures import read_picture
from yolo_tf.detections import Detections
from yolo_tf.ops import resize


class PhotoDetector:
    """Detects on photos; a subclass says by `detect_inputs` how it detects on network inputs.

    Attributes:
      class_names: name of each class, in order.
      input_size: (height, width) pixels of the network's input.
      resize_method: a key of `ops.resize.RESIZES`: how a photo becomes an input.
      nms: settings of the non-maximum suppression.
      fixed_nms: whether they are a part of the model, which no change of `nms` reaches.
    """

    fixed_nms = False

    def __init__(
        self,
        class_names: list[str],
        input_size: tuple[int, int],
        resize_method: str,
        nms: NmsConfig,
    ):
        self.class_names = list(class_names)
        self.input_size = tuple(input_size)
        self.resize_method = resize_method
        self.nms = nms

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

    def detect_function(self) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        """A function like `detect_inputs`, for many calls."""
        return tf.function(self.detect_inputs, reduce_retracing=True)

    def detect_photos(self, photos: tf.Tensor) -> dict[str, tf.Tensor]:
        """Detections on photos of one size, any size: resizing and its inverse included.

        Args:
          photos: [B, H, W, 3] uint8 in [0, 255] or float32 in [0, 1].

        Returns:
          As `detect_inputs`, but the boxes are normalised to the photo and clipped to it.
        """
        images, window = resize.RESIZES[self.resize_method](photos, self.input_size)
        return self.to_photos(self.detect_inputs(images), window)

    def to_photos(self, found: dict[str, tf.Tensor], windows: tf.Tensor) -> dict[str, tf.Tensor]:
        """Detections normalised to the input -> to the photo, clipped; `windows` [B, 4]."""
        boxes = resize.window_to_photo(found["detection_boxes"], windows)
        return found | {"detection_boxes": tf.clip_by_value(boxes, 0.0, 1.0)}

    def detect(
        self, images, score_threshold: float = 0.25, batch_size: int = 8
    ) -> Detections | list[Detections]:
        """What is in a photo, or in each of several.

        Args:
          images: a path (whatever Pillow reads, turned upright as its EXIF data say), a Pillow
            image, or an array [H, W, 3] RGB, uint8 in [0, 255] or float in [0, 1]; or a list of
            these, or an array [B, H, W, 3].
          score_threshold: detections must score at least this. None below the `nms` settings.
          batch_size: photos detected together; changes the speed, not what is found.

        Returns:
          The detections of a single photo; a list of several photos' detections.

        Raises:
          UserError: a file is no picture, or too large.
          ValueError: an array of another shape or type.
        """
        several = isinstance(images, (list, tuple)) or getattr(images, "ndim", 3) == 4
        photos = map(as_photo, images if several else [images])
        found = list(in_batches(self.finder(score_threshold), photos, batch_size))
        return found if several else found[0]

    def finder(self, score_threshold: float) -> Callable[[list[np.ndarray]], list[Detections]]:
        """Function: photos [H, W, 3] uint8, each of any size -> the detections in each.

        They are resized one by one and detected together, so that the batch does not change what
        is found.
        """
        if not hasattr(self, "_functions"):
            self._functions = self._to_input(), self.detect_function()
        to_input, detect = self._functions

        def find(photos):
            images, windows = zip(*map(to_input, photos), strict=True)
            found = self.to_photos(detect(tf.stack(images)), tf.stack(windows))
            keys = ("detection_boxes", "detection_scores", "detection_classes")
            rows = zip(photos, *(found[key].numpy() for key in keys), strict=True)
            return [self._wanted(*row, score_threshold) for row in rows]

        return find

    def _wanted(self, photo, boxes, scores, classes, score_threshold) -> Detections:
        kept = (scores >= score_threshold) & (classes >= 0)
        return Detections(photo, boxes[kept], scores[kept], classes[kept], self.class_names)

    def _to_input(self):
        @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)])
        def to_input(photo):
            return resize.RESIZES[self.resize_method](photo, self.input_size)

        return to_input


def in_batches(function, items, size: int) -> Iterator:
    """The results of a function that takes lists, of at most `size` items at a time."""
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield from function(batch)
            batch = []
    if batch:
        yield from function(batch)


def as_photo(image) -> np.ndarray:
    """[H, W, 3] uint8 of a path, a Pillow image or an array.

    Raises:
      UserError: the file is no picture, or too large.
      ValueError: an array of another shape or type.
    """
    if isinstance(image, (str, Path)):
        return read_picture(Path(image))
    if isinstance(image, Image.Image):
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[-1] != 3 or 0 in image.shape:
        raise ValueError(f"image: found shape {image.shape}, expected [H, W, 3] RGB")
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind == "f":
        return np.uint8(np.clip(image, 0, 1) * 255 + 0.5)
    raise ValueError(f"image: found {image.dtype}, expected uint8 (0..255) or float (0..1)")
