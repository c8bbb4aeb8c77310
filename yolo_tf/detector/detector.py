"""A network and a head as one tf_keras model: it trains with `fit` and detects on images."""

import weakref

import tensorflow as tf
import tf_keras

from yolo_tf.config import NmsConfig
from yolo_tf.detect.base import BaseDetector
from yolo_tf.detector.gradients import batch_gradients
from yolo_tf.detector.metrics import ImageMeans, NonFiniteImages
from yolo_tf.errors import check_choice
from yolo_tf.heads.base import Head
from yolo_tf.ops.candidates import CandidateConfig
from yolo_tf.ops.nms import NMS_KINDS, suppress

_DETECTORS = weakref.WeakKeyDictionary()  # network -> a weak reference to its detector


class Detector(BaseDetector, tf_keras.Model):
    """Trains and detects; knows a head by its contract alone (heads/base.py).

    Args:
      network: images [B, H, W, 3] in [0, 1] -> {stride: raw output}.
      head: gives the raw outputs their meaning.
      class_names: name of each class, in order.
      input_size: (height, width) pixels of the network's input.
      resize_method: a key of `ops.resize.RESIZES`: how an image becomes an input.
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
        tf_keras.Model.__init__(self, name=f"{network.name}_detector")
        BaseDetector.__init__(self, class_names, input_size, resize_method, nms)
        self.network = network
        _DETECTORS[network] = weakref.ref(self)
        self.head = head
        self.heads: dict[tuple[int, int], Head] = {}  # by (height, width), for multi-scale training
        check_choice("config.nms.kind", self.nms.kind, NMS_KINDS)
        self.values = ImageMeans(head.value_names())
        self.non_finite = NonFiniteImages()
        self.accumulate = 1
        self.compile_gradients = False
        self.averages = None

    @staticmethod
    def of(network: tf_keras.Model) -> "Detector":
        """The detector that was built of a network, which alone knows no classes."""
        return _DETECTORS[network]()

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

    @tf.autograph.experimental.do_not_convert
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

            @tf.function(autograph=False)
            def step(batch):
                results = strategy.run(self.train_step, args=(batch,))
                self._train_counter.assign_add(1)
                return {k: strategy.experimental_local_results(v)[0] for k, v in results.items()}

            def steps(iterator):
                """As many updates as Keras counts: `steps_per_execution`, or the rest of them."""
                for _ in range(int(self._steps_per_execution.numpy())):
                    results = step(next(iterator))
                return results

            self.train_function = steps
        return self.train_function

    @tf.autograph.experimental.do_not_convert
    def test_step(self, batch: dict) -> dict[str, tf.Tensor]:
        """Loss and metrics of a batch like `train_step`'s; any batch size."""
        self.values.update_state(self.head.loss(batch["targets"], self(batch["image"])))
        return self.values.result()

    def detect_inputs(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """See `BaseDetector.detect_inputs`."""
        return self.detect_outputs(self.network(images, training=False))

    def detect_outputs(self, outputs: dict[int, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Detections from raw outputs; see `detect_inputs`."""
        settings = vars(self.nms)
        return suppress(self.head.candidates(outputs, CandidateConfig.of(settings)), **settings)
