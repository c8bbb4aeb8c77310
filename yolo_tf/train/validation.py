"""The validation of a training: figures of the split, figures by class, images.

Drawn are a training batch as the network sees it, and what is found in validation images.
"""

import contextlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from yolo_tf.config import Config
from yolo_tf.data.input import pipeline
from yolo_tf.data.records.open_records import Records
from yolo_tf.evaluate.run import Validator
from yolo_tf.visualize.draw import draw_detections, mosaic, to_uint8, write_image


def validation_dataset(
    records: Records, config: Config, detector, input_context=None, one_batch: bool = False
):
    """`pipeline.evaluation_dataset` of a recipe's validation split, with targets."""
    return pipeline.evaluation_dataset(
        records,
        config.data,
        config.input_size,
        config.train.batch_size,
        encode=detector.head.encode,
        input_context=input_context,
        one_batch=one_batch,
    )


class Validation:
    """Scores a detector that trains, with the averages of its weights if it has any.

    Args:
      records: the validation split.
      config: the recipe.
      detector: built in the scope of `strategy`.
      strategy: whose replicas share the images out.
      image_path: where the image is written; None: none is drawn.
      one_batch: of the split the first batch with a box alone, to try it.

    Attributes, of the last call:
      per_class: rows as of `evaluator.evaluate`.
      image: [H, W, 3] uint8, truth and predictions of some images side by side.
    """

    def __init__(
        self,
        records: Records,
        config: Config,
        detector,
        strategy,
        image_path: Path | None,
        one_batch: bool = False,
    ):
        self.detector, self.image_path = detector, image_path
        self.per_class, self.image = [], None

        def dataset_of(input_context):
            return validation_dataset(records, config, detector, input_context, one_batch)

        self._validator = Validator(detector, dataset_of, strategy)

    def __call__(self) -> dict[str, float]:
        """The figures as of `Validator`."""
        validator, averages = self._validator, self.detector.averages
        with averages.applied() if averages else contextlib.nullcontext():
            figures = validator()
        self.per_class = validator.per_class
        if self.image_path:
            self.image = draw_validation(
                validator.first_batch, validator.first_found, self.detector.class_names
            )
            write_image(self.image_path, self.image)
        return figures


_IMAGES = 16
_PAIRS = 8
_SCORE = 0.25  # predictions below are not drawn


def draw_training_batch(dataset: tf.data.Dataset, class_names: list[str], path: Path) -> None:
    """Draws the first images of a training batch with the boxes that the loss gets."""
    batch = next(iter(dataset.take(1)))
    images = []
    columns = (batch[name].numpy()[:_IMAGES] for name in ("image", "boxes", "classes"))
    for image, boxes, classes in zip(*columns, strict=True):
        real = classes >= 0
        images.append(
            draw_detections(to_uint8(image), boxes[real], classes[real], None, class_names)
        )
    write_image(path, mosaic(images))


def draw_validation(batch: dict, found: dict, class_names: list[str]) -> np.ndarray:
    """The first images of a validation batch, each with its truth and then with what was found.

    Args:
      batch: of `data.pipeline.evaluation_dataset`.
      found: detections normalised to its images.

    Returns:
      [H, W, 3] uint8.
    """
    columns = [batch["image"], batch["boxes"], batch["classes"]]
    columns += [found[f"detection_{name}"] for name in ("boxes", "classes", "scores")]
    rows = zip(*(np.asarray(column)[:_PAIRS] for column in columns), strict=True)
    images = []
    for image, boxes, classes, found_boxes, found_classes, scores in rows:
        image, shown = to_uint8(image), scores > _SCORE
        images.append(draw_detections(image, boxes, classes, None, class_names))
        drawn = found_boxes[shown], found_classes[shown], scores[shown]
        images.append(draw_detections(image, *drawn, class_names))
    return mosaic(images, columns=4)
