"""A detector scored on records, as the command and the training do it.

The replicas of a strategy share the images, and each image is scored once.
"""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from yolo_tf.config import DataConfig
from yolo_tf.data.input.pipeline import evaluation_dataset
from yolo_tf.data.records.bad_records import readable_errors
from yolo_tf.data.records.files import record_dataset
from yolo_tf.data.records.open_records import Records
from yolo_tf.data.records.parsing import parse_examples
from yolo_tf.detector.metrics import ImageMeans
from yolo_tf.evaluate.evaluator import METRICS, TruthsAndDetections, collect, evaluate, figures
from yolo_tf.evaluate.matching import DetectionArrays, Truths, join

_RECORDS_AT_ONCE = 64


def evaluate_records(detector, pattern: str, batch_size: int, labels: str = "") -> dict:
    """The metrics of `evaluator.figures` on all images of some shards.

    Args:
      detector: see `yolo_tf.load`.
      pattern: shard path, glob or tfds:NAME:SPLIT, commas between several.
      batch_size: images at a time; does not change the result.
      labels: what labels without text mean, see `data.records.label_map`.

    Raises:
      UserError: there are no such shards, they are damaged, have no boxes, or have a class that
        the detector does not know.
    """
    records = Records.open(pattern, DataConfig(labels=labels), detector.class_names)
    return figures(detect_records(detector, records, batch_size), detector.class_names)


def detect_records(detector, records: Records, batch_size: int) -> TruthsAndDetections:
    """Truths and detections of all images, each taken once.

    Raises:
      UserError: the records are damaged or have no boxes.
    """
    dataset = records_dataset(detector, records, batch_size)
    detect = detector.compiled(detector.detect_inputs, reduce_retracing=True)
    with readable_errors(records):
        return collect(lambda batch: detect(batch["image"]), dataset, detector.class_names)


def records_dataset(detector, records: Records, batch_size: int) -> tf.data.Dataset:
    """The images of records as a detector takes them, in their order."""
    data = DataConfig(resize=detector.resize_method)
    return evaluation_dataset(records, data, detector.input_size, batch_size)


def figures_without_truth(records: Records) -> list[str]:
    """The `METRICS` that no detector can have on records, as there is no truth for them.

    Of APl, for example, where no object is large. Images are not decoded.
    """
    table, truths, images = records.table(), [], 0
    batches = record_dataset(records.paths).batch(_RECORDS_AT_ONCE)
    for batch in batches.map(lambda serialized: parse_examples(serialized, table)):
        part = {name: value.numpy() for name, value in batch.items()}
        real = part["classes"] >= 0
        size = np.stack([part["height"], part["width"]] * 2, axis=-1)[:, np.newaxis]
        flags = {name: part[name][real] for name in ("difficult", "crowd", "area")}
        boxes, image = (part["boxes"] * size)[real], images + np.nonzero(real)[0]
        truths.append(Truths(image=image, label=part["classes"][real], boxes=boxes, **flags))
        images += len(real)
    none = DetectionArrays(*(np.zeros(0, int),) * 2, np.zeros((0, 4)), np.zeros(0))
    found = figures(TruthsAndDetections(join(truths), none, images, dropped=0), records.class_names)
    return [name for name in METRICS if found[name] is None]


class Validator:
    """Scores a detector while it trains: losses and detections from one forward pass.

    Args:
      detector: its weights may change between calls.
      dataset_of: `evaluation_dataset`, with targets, for the context of a process; None: for all.
      strategy: that of the training, whose replicas share the images out; None: none.

    Attributes:
      first_batch, first_found: the first batch of the last call and the detections in it.
      per_class: of the last call, as of `evaluator.evaluate`.
    """

    def __init__(
        self,
        detector,
        dataset_of: Callable[[tf.distribute.InputContext | None], tf.data.Dataset],
        strategy: tf.distribute.Strategy | None = None,
    ):
        self.detector = detector
        # Built once: its functions are traced when it is made, which takes longer than a batch.
        self._dataset = dataset_of(None)
        self.strategy = strategy or tf.distribute.get_strategy()
        self.first_batch = self.first_found = None
        self.per_class = []
        with self.strategy.scope():
            self._losses = ImageMeans(detector.head.value_names())
        self._step = tf.function(self._forward, autograph=False, reduce_retracing=True)
        if self.strategy.num_replicas_in_sync > 1:
            self._on_replicas = DetectionsOnReplicas(self.strategy, dataset_of, self._forward)

    def __call__(self) -> dict[str, float]:
        """Every figure that exists: AP, AP50, ... and val_loss, val_box_loss, ..."""
        self._losses.reset_state()
        self.first_batch = None
        names = self.detector.class_names
        if self.strategy.num_replicas_in_sync == 1:
            metrics = evaluate(self._detect, self._dataset, names, progress=False)
        else:
            batches = ({**batch, **found} for batch, found in self._on_replicas)
            metrics = evaluate(lambda batch: batch, batches, names, progress=False)
            self._detect_first()
        self.per_class = metrics["per_class"]
        losses = {f"val_{name}": float(v) for name, v in self._losses.result().items()}
        return {k: v for k, v in metrics.items() if isinstance(v, float)} | losses

    def _detect(self, batch):
        found = self._step({"image": batch["image"], "targets": batch["targets"]})
        if self.first_batch is None:
            self.first_batch, self.first_found = batch, found
        return found

    def _detect_first(self):
        """Pixels are not gathered from the replicas: the images' batch is detected here."""
        self.first_batch = next(iter(self._dataset.take(1)))
        self.first_found = self.detector.detect_inputs(self.first_batch["image"])

    def _forward(self, batch):
        outputs = self.detector.network(batch["image"], training=False)
        losses = self.detector.head.loss(batch["targets"], outputs)
        self._losses.update_state(losses, batch.get("real"))
        return self.detector.detect_outputs(outputs)


_NUMBERS = ("boxes", "classes", "area", "placement", "original_size")
_FLAGS = ("difficult", "crowd")


class DetectionsOnReplicas:
    """Batches and what was found in them, gathered from all replicas of all processes.

    Iterated, it gives (batch, found): as from the data set, without its texts, and from `detect`.
    Each time all images anew; what is traced is traced once.

    Args:
      dataset_of: `data.pipeline.evaluation_dataset` for the context of a process.
      detect: batch of one replica, with "real" [b] bool, true for images that count -> detections.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        dataset_of: Callable[[tf.distribute.InputContext], tf.data.Dataset],
        detect: Callable,
    ):
        def numbers(batch):
            return {name: value for name, value in batch.items() if name != "source_id"}

        def step(batch):
            return strategy.run(lambda share: (_seen(share), detect(share)), args=(batch,))

        self._strategy = strategy
        self._shares = strategy.distribute_datasets_from_function(
            lambda context: dataset_of(context).map(numbers)
        )
        self._step = tf.function(step, autograph=False, reduce_retracing=True)

    def __iter__(self) -> Iterator[tuple[dict, dict]]:
        for share in self._shares:
            batch, found = tf.nest.map_structure(
                lambda value: self._strategy.gather(value, axis=0).numpy(), self._step(share)
            )
            real = batch.pop("real").astype(bool)
            batch |= {name: batch[name].astype(bool) for name in _FLAGS}
            yield tuple(
                {name: value[real] for name, value in part.items()} for part in (batch, found)
            )


def _seen(share: dict) -> dict:
    """What scoring reads. Flags as int32: not every collective operation knows bool."""
    flags = {name: tf.cast(share[name], tf.int32) for name in ("real", *_FLAGS)}
    return {name: share[name] for name in _NUMBERS} | flags
