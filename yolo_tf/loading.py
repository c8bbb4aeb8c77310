"""A detector from what training or exporting left on the disk; foreign models in and out."""

import contextlib
import os
from pathlib import Path

from yolo_tf.config import Config, DataConfig
from yolo_tf.detect.base import BaseDetector
from yolo_tf.detector.detector import Detector
from yolo_tf.detector.from_darknet import read_beside, read_darknet
from yolo_tf.detector.from_yolox import read_yolox
from yolo_tf.errors import UserError
from yolo_tf.export import darknet_files, saved_model
from yolo_tf.export.folder import is_export, read_export, read_file
from yolo_tf.export.trained import Trained
from yolo_tf.files import cause, shown
from yolo_tf.runs import checkpoint
from yolo_tf.runs.folder import RunFolder
from yolo_tf.runs.recipe_files import CONFIG, read_recipe

_DARKNET = (".weights", ".cfg")


def load(path, which: str = checkpoint.BEST, trust: bool = False) -> BaseDetector:
    """What detects: of a run folder, an export or Darknet's files.

    Args:
      path: a run folder (config.yaml, checkpoints/); an export, or one model of it (saved_model/,
        model.tflite, model.onnx, ...); NAME.weights with NAME.cfg and NAME.names beside it, with
        Darknet's thresholds of suppression.
      which: of a run, the "best" or the "last" checkpoint. A run that never evaluated has no
        best and gives its last.
      trust: load also a SavedModel that consists of other operations than our exports do. Such
        a model may read and write files when it is loaded and when it runs.

    Returns:
      `detect(images)` finds objects. Of a run and of Darknet's files it is a tf_keras model.

    Raises:
      UserError: nothing of that kind is there, it is damaged, or a package is missing that runs it.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise UserError(f"path: found {type(path).__name__} {path!r:.60}, expected a path")
    path = Path(path)
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # told below
            path.stat()
    except (OSError, ValueError) as error:  # the name is too long, ...
        raise UserError(f"{shown(path)}: cannot be read: {cause(error)}") from None
    if saved_model.is_saved_model(path):
        return saved_model.read(path, trust=trust)
    if is_export(path):
        return read_export(path, trust)
    if path.is_file():
        return read_beside(path)[0] if path.suffix in _DARKNET else read_file(path)
    return load_run(path, which)[0]


def load_run(path, which: str = checkpoint.BEST) -> tuple[Detector, Config]:
    """The detector of a run folder and its recipe; see `load`."""
    path = Path(path)
    run = RunFolder(path)
    if which not in (checkpoint.BEST, checkpoint.LAST):
        raise UserError(f"checkpoint: found {which!r}, expected 'best' or 'last'")
    if not path.exists():
        old = path.with_name(f".{path.name}.old")
        hint = (
            f"; an export that was ended has left the one before as {old}" if old.exists() else ""
        )
        raise UserError(f"{path}: not found; expected a run folder or an export{hint}")
    if not run.config.exists():
        raise UserError(
            f"{path}: neither a run folder (config.yaml) nor an export (export.json or"
            " saved_model.pb)"
        )
    return run.load_detector(checkpoint.find(run.checkpoints, which))


def data_settings(path) -> DataConfig:
    """The data settings that a run, or the run of an export, was trained with; else the defaults.

    What labels in records mean is among them.
    """
    for folder in (Path(path), Path(path).parent):
        if (folder / CONFIG).exists():
            return read_recipe(folder)[0].data
    return DataConfig()


def load_trained(path, which: str = checkpoint.BEST) -> Trained:
    """A run as exports take it, or Darknet's files; see `load`."""
    path = Path(path)
    if path.is_file() and path.suffix in _DARKNET:
        detector, config = read_beside(path)
        return Trained(detector, config, path.stem)
    detector, config = load_run(path, which)
    run = RunFolder(path)
    state = checkpoint.read_state(checkpoint.find(run.checkpoints, which))
    seen = state.images_before + state.step * config.train.batch_size
    return Trained(detector, config, run.path.resolve().name, seen)


def import_darknet(cfg_path, weights_path, names_path, output) -> tuple[Detector, list[str]]:
    """Makes a run folder of a Darknet model: cfg, weights and class names.

    Args:
      cfg_path, weights_path, names_path: see `darknet_model.read_darknet`.
      output: folder to make; it must not hold a run.

    Returns:
      The detector, and remarks on what of the cfg has no use here.

    Raises:
      UserError: a file is missing, damaged or not supported, or they do not fit together;
        or another process writes into the folder.
    """
    run = RunFolder(output, flag="output")
    run.check_new()
    detector, config, header, remarks = read_darknet(cfg_path, weights_path, names_path)
    state = checkpoint.State(images_before=header.seen)
    with run.locked():
        run.create(config, detector.class_names)
        checkpoint.save(run.checkpoints, {"network": detector.network}, state, best=True)
    return detector, remarks


def import_yolox(config: Config, weights_path, names_path, output) -> Detector:
    """Makes a run folder of published weights of YOLOX.

    Args:
      config, weights_path, names_path: see `yolox_model.read_yolox`.
      output: folder to make; it must not hold a run.

    Returns:
      The detector.

    Raises:
      UserError: as `read_yolox`, or the folder holds a run.
    """
    run = RunFolder(output, flag="output")
    run.check_new()
    detector = read_yolox(config, weights_path, names_path)
    run.create(config, detector.class_names)
    checkpoint.save(run.checkpoints, {"network": detector.network}, checkpoint.State(), best=True)
    return detector


def export_darknet(model, output, which: str = checkpoint.BEST) -> list[Path]:
    """Writes a run as NAME.cfg, NAME.weights and NAME.names; NAME is that of the run folder.

    Args:
      model: run folder.
      output: folder for the files.
      which: the "best" or the "last" checkpoint.

    Returns:
      The three paths.

    Raises:
      UserError: no run, or a model that Darknet cannot express.
    """
    return darknet_files.write(load_trained(model, which), Path(output))
