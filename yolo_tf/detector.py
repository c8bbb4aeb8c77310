"""A network and a head as one tf_keras model: it trains with `fit` and detects on pictures."""

import numpy as np
import tensorflow as tf
import tf_keras

from yolo_tf.config import NmsConfig
from yolo_tf.errors import UserError
from yolo_tf.gradients import batch_gradients
from yolo_tf.heads.base import Head
from yolo_tf.metrics import ImageMeans, NonFiniteImages
from yolo_tf.ops import resize
from yolo_tf.ops.candidates import Search
from yolo_tf.ops.nms import NMS_KINDS, suppress


class Detector(tf_keras.Model):
    """Trains and detects; knows a head by its contract alone (heads/base.py).

    Args:
      network: images [B, H, W, 3] in [0, 1] -> {stride: raw output}.
      head: gives the raw outputs their meaning.
      class_names: name of each class, in order.
      input_size: (height, width) pixels of the network's input.
      resize_method: a key of `ops.resize.RESIZES`: how a photo becomes an input.
      nms: settings of the non-maximum suppression.

    Attributes:
      accumulate: parts in which a batch goes through the network (`gradients.batch_gradients`).
      compile_gradients: whether XLA compiles network, loss and gradients.
      averages: what follows the weights after each update (`train.averages`), or None.

    Raises:
      UserError: the kind of suppression is not known.
    """

    def __init__(
        self,
        network: tf_keras.Model,
        head: Head,
        class_names: list[str],
        input_size: tuple[int, int],
        resize_method: str = "stretch",
        nms: NmsConfig | None = None,
    ):
        super().__init__(name=f"{network.name}_detector")
        self.network = network
        self.head = head
        self.heads: dict[tuple[int, int], Head] = {}  # by (height, width), for multi-scale training
        self.class_names = list(class_names)
        self.input_size = tuple(input_size)
        self.resize_method = resize_method
        self.nms = nms or NmsConfig()
        if self.nms.kind not in NMS_KINDS:
            raise UserError(
                f"config.nms.kind: found {self.nms.kind!r}, expected one of {', '.join(NMS_KINDS)}"
            )
        self.values = ImageMeans(head.value_names())
        self.non_finite = NonFiniteImages()
        self.accumulate = 1
        self.compile_gradients = False
        self.averages = None

    def call(self, images: tf.Tensor, training: bool = False) -> dict[int, tf.Tensor]:
        """Raw outputs {stride: [B, rows, cols, channels]} of images in [0, 1]."""
        return self.network(images, training=training)

    @property
    def metrics(self) -> list:
        return [self.values, self.non_finite]  # reset by Keras at the start of each epoch

    @property
    def weights(self) -> list:
        """The network's variables; those of the metrics are no part of a trained detector."""
        return self.network.weights

    def train_step(self, batch: dict) -> dict[str, tf.Tensor]:
        """One update.

        Args:
          batch: "image" [B, H, W, 3]; "targets" as `head.encode` made them; "image_key" [B]
            int64, which tells the images of a loss that is not finite.

        Gradients are summed over replicas, so the loss is divided by the global batch: any
        number of replicas takes the same step. Replicas must have equal shares of it.
        """
        half = isinstance(self.optimizer, tf_keras.mixed_precision.LossScaleOptimizer)
        scale = self.optimizer.get_scaled_loss(tf.constant(1.0)) if half else 1.0
        values, gradients = self._gradients(batch["image"], batch["targets"], scale)
        if half:
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        self.optimizer.apply_gradients(
            zip(gradients, self.network.trainable_variables, strict=True)
        )
        if self.averages is not None:
            self.averages.update(self.optimizer.iterations)
        self.values.update_state(values)
        self.non_finite.update_state(values["loss"], batch["image_key"])
        return self.values.result()

    def _gradients(self, images, targets, scale):
        head = self.heads.get(tuple(images.shape[1:3]), self.head)

        def gradients(images, targets, scale):
            return batch_gradients(self.network, head, images, targets, self.accumulate, scale)

        # Not where replicas meet: the update sums over them.
        if self.compile_gradients:
            gradients = tf.function(gradients, jit_compile=True, autograph=False)
        return gradients(images, targets, scale)

    def make_train_function(self, force: bool = False):
        """The function that `fit` calls with its iterator; in multi-scale training a trace a size.

        Within a graph a batch of several sizes has none. So it is taken out of the iterator first.
        """
        if not self.heads:
            return super().make_train_function(force)
        if self.train_function is None or force:
            strategy = self.distribute_strategy

            @tf.function
            def step(batch):
                results = strategy.run(self.train_step, args=(batch,))
                self._train_counter.assign_add(1)
                return {k: strategy.experimental_local_results(v)[0] for k, v in results.items()}

            self.train_function = lambda iterator: step(next(iterator))
        return self.train_function

    def test_step(self, batch: dict) -> dict[str, tf.Tensor]:
        """Loss and metrics of a batch like `train_step`'s; any batch size."""
        self.values.update_state(self.head.loss(batch["targets"], self(batch["image"])))
        return self.values.result()

    def detect_inputs(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Detections on images that already have the network's input size.

        Args:
          images: [B, H, W, 3] float32 in [0, 1].

        Returns:
          detection_boxes [B, K, 4] yxyx normalised to the network input, detection_scores
          [B, K], detection_classes [B, K] int32 (padding -1), num_detections [B] int32, by
          falling score.
        """
        return self.detect_outputs(self.network(images, training=False))

    def detect_outputs(self, outputs: dict[int, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Detections from raw outputs; see `detect_inputs`."""
        settings = vars(self.nms)
        return suppress(self.head.candidates(outputs, Search.of(settings)), **settings)

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

    def detect(self, images) -> dict[str, np.ndarray]:
        """Detections on a photo, a batch of photos of one size, or a list of photos of any size.

        Args:
          images: [H, W, 3] or [B, H, W, 3], uint8 in [0, 255] or float in [0, 1], RGB; or a
            list of [H, W, 3].

        Returns:
          As `detect_photos`, as NumPy arrays, always with a batch axis.

        Raises:
          ValueError: another shape or type, or no image at all.
        """
        if isinstance(images, (list, tuple)):
            if not images:
                raise ValueError("images: found an empty list, expected at least one photo")
            single = [self.detect(image) for image in images]
            return {name: np.concatenate([one[name] for one in single]) for name in single[0]}
        images = _as_batch(images)
        if not hasattr(self, "_detect_photos"):
            self._detect_photos = tf.function(self.detect_photos, reduce_retracing=True)
        found = self._detect_photos(tf.convert_to_tensor(images))
        return {name: value.numpy() for name, value in found.items()}


def _as_batch(images) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[None]
    if images.ndim != 4 or images.shape[-1] != 3 or 0 in images.shape:
        raise ValueError(f"images: found shape {images.shape}, expected [B, H, W, 3] or [H, W, 3]")
    if images.dtype == np.uint8 or images.dtype.kind == "f":
        return images if images.dtype == np.uint8 else images.astype(np.float32)
    raise ValueError(f"images: found {images.dtype}, expected uint8 (0..255) or float (0..1)")
