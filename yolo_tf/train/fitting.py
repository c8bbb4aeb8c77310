"""For trainings in Keras' manner, `detector.fit`: batches of a recipe, and the trained run.

`train.loop` does more: it resumes, keeps the best, names images of bad losses, runs on replicas.
"""

import tensorflow as tf

from yolo_tf.config import Config
from yolo_tf.data.input import pipeline
from yolo_tf.data.records.open_records import Records
from yolo_tf.detector.detector import Detector
from yolo_tf.runs import checkpoint
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train.training import step_inputs
from yolo_tf.train.validation import validation_dataset


def training_batches(config: Config, detector: Detector) -> tf.data.Dataset:
    """Augmented batches of `config.data.train` without end: `fit` needs `steps_per_epoch`.

    Raises:
      UserError: no records are there, or a setting is wrong.
    """
    batches = pipeline.training_dataset(
        Records.open(config.data.train, config.data, detector.class_names),
        config.data,
        config.input_size,
        config.train.batch_size,
        config.train.seed,
        encode=detector.head.encode,
    )
    return batches.map(step_inputs)


def validation_batches(config: Config, detector: Detector) -> tf.data.Dataset:
    """Each image of `config.data.val` once, unchanged, for the loss that Keras' `evaluate` gives.

    Raises:
      UserError: no records are there, or a setting is wrong.
    """
    records = Records.open(config.data.val, config.data, detector.class_names)
    return validation_dataset(records, config, detector).map(step_inputs)


def save_run(detector: Detector, config: Config, path) -> None:
    """Writes a run folder with the weights as they are, for `load` and all commands.

    Args:
      config: the recipe that the detector was built from.
      path: the folder; new or without a run.

    Raises:
      UserError: it holds a run already, another process writes there, or it cannot be written.
    """
    run = RunFolder(path, flag="path")
    objects = {"network": detector.network}
    with run.locked():
        run.create(config, detector.class_names)
        checkpoint.save(run.checkpoints, objects, checkpoint.State(), best=True)
