"""The validation of a training: figures of the split, figures by class, a picture."""

import contextlib
from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.data import pipeline
from yolo_tf.evaluate.run import Validator
from yolo_tf.train import pictures
from yolo_tf.visualize.draw import write_picture


def validation_dataset(config: Config, detector, input_context=None, one_batch: bool = False):
    """`pipeline.evaluation_dataset` of a recipe's validation split, with targets."""
    return pipeline.evaluation_dataset(
        config.data.val,
        config.data,
        config.input_size,
        config.train.batch_size,
        detector.class_names,
        encode=detector.head.encode,
        input_context=input_context,
        one_batch=one_batch,
    )


class Validation:
    """Scores a detector that trains, with the averages of its weights if it has any.

    Args:
      config: the recipe.
      detector: built in the scope of `strategy`.
      strategy: whose replicas share the images out.
      picture_path: where the picture is written; None: none is drawn.
      one_batch: of the split the first batch with a box alone, to try it.

    Attributes, of the last call:
      per_class: rows as of `evaluator.evaluate`.
      picture: [H, W, 3] uint8, truth and predictions of some images side by side.
    """

    def __init__(
        self,
        config: Config,
        detector,
        strategy,
        picture_path: Path | None,
        one_batch: bool = False,
    ):
        self.detector, self.picture_path = detector, picture_path
        self.per_class, self.picture = [], None

        def dataset_of(input_context):
            return validation_dataset(config, detector, input_context, one_batch)

        self._validator = Validator(detector, dataset_of, strategy)

    def __call__(self) -> dict[str, float]:
        """The figures as of `Validator`."""
        validator, averages = self._validator, self.detector.averages
        with averages.applied() if averages else contextlib.nullcontext():
            figures = validator()
        self.per_class = validator.per_class
        if self.picture_path:
            self.picture = pictures.draw_validation(
                validator.first_batch, validator.first_found, self.detector.class_names
            )
            write_picture(self.picture_path, self.picture)
        return figures
