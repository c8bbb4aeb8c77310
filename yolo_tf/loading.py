"""A detector from what training or exporting left on the disk."""

from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.detector import Detector
from yolo_tf.errors import UserError
from yolo_tf.export.saved_model import is_export, load_export
from yolo_tf.train import checkpoint
from yolo_tf.train.run_folder import RunFolder


def load(path, which: str = checkpoint.BEST) -> Detector:
    """The detector of a run folder or of an exported SavedModel.

    Args:
      path: a run folder (config.yaml, checkpoints/) or an export (saved_model.pb).
      which: of a run, the "best" or the "last" checkpoint. A run that never evaluated has no
        best and gives its last.

    Returns:
      A tf_keras model with its trained weights; `detect(images)` finds objects.

    Raises:
      UserError: nothing of that kind is there, or it is damaged.
    """
    path = Path(path)
    if is_export(path):
        return load_export(path)
    return load_run(path, which)[0]


def load_run(path, which: str = checkpoint.BEST) -> tuple[Detector, Config]:
    """The detector of a run folder and its recipe; see `load`."""
    path = Path(path)
    run = RunFolder(path)
    if which not in (checkpoint.BEST, checkpoint.LAST):
        raise UserError(f"checkpoint: found {which!r}, expected 'best' or 'last'")
    if not path.exists():
        raise UserError(f"{path}: not found; expected a run folder or an exported SavedModel")
    if not run.config.exists():
        darknet = path.suffix in (".weights", ".cfg")
        hint = "; scripts/convert_darknet.py import makes one of Darknet's files" if darknet else ""
        raise UserError(
            f"{path}: neither a run folder (config.yaml) nor a SavedModel (saved_model.pb){hint}"
        )
    return run.load_detector(checkpoint.find(run.checkpoints, which))
