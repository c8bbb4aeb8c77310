"""A detector from what training or exporting left on the disk."""

from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.darknet_model import read_beside
from yolo_tf.detector import Detector
from yolo_tf.errors import UserError
from yolo_tf.export import saved_model
from yolo_tf.export.folder import is_export, read_export, read_file
from yolo_tf.export.trained import Trained
from yolo_tf.photo_detector import PhotoDetector
from yolo_tf.train import checkpoint
from yolo_tf.train.run_folder import RunFolder

_DARKNET = (".weights", ".cfg")


def load(path, which: str = checkpoint.BEST) -> PhotoDetector:
    """What detects: of a run folder, an export or Darknet's files.

    Args:
      path: a run folder (config.yaml, checkpoints/); an export, or one model of it (saved_model/,
        model.tflite, model.onnx, ...); NAME.weights with NAME.cfg and NAME.names beside it, with
        Darknet's thresholds of suppression.
      which: of a run, the "best" or the "last" checkpoint. A run that never evaluated has no
        best and gives its last.

    Returns:
      `detect(images)` finds objects. Of a run and of Darknet's files it is a tf_keras model.

    Raises:
      UserError: nothing of that kind is there, it is damaged, or a package is missing that runs it.
    """
    path = Path(path)
    if saved_model.is_saved_model(path):
        return saved_model.read(path)
    if is_export(path):
        return read_export(path)
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
        raise UserError(f"{path}: not found; expected a run folder or an export")
    if not run.config.exists():
        raise UserError(
            f"{path}: neither a run folder (config.yaml) nor an export (export.json or"
            " saved_model.pb)"
        )
    return run.load_detector(checkpoint.find(run.checkpoints, which))


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
