"""Saves and restores a training: what belongs together, and which process writes it."""

import shutil
import tempfile
from pathlib import Path

from yolo_tf.recipe_files import CONFIG
from yolo_tf.train import checkpoint
from yolo_tf.train.checkpoint import State
from yolo_tf.train.run_folder import RunFolder


class Saver:
    """Checkpoints of a detector that trains in a run folder.

    Args:
      run: the folder; it has the recipe already when something is saved.
      detector: compiled, all its variables made.
      chief: whether this process writes. The others of several must save too, because what a
        strategy keeps on each replica is added up over all of them; theirs is thrown away.
    """

    def __init__(self, run: RunFolder, detector, chief: bool = True):
        self.run, self.detector, self.chief = run, detector, chief
        self.last: Path | None = None  # what was saved last

    def save(self, state: State, best: bool = False) -> Path:
        """Writes a checkpoint of the run; see `checkpoint.save`."""
        objects = self._objects()
        if self.chief:
            text = self.run.config.read_text(encoding="utf-8")
            self.last = checkpoint.save(self.run.checkpoints, objects, state, best, {CONFIG: text})
            return self.last
        folder = Path(tempfile.mkdtemp())
        try:
            self.last = self.run.checkpoints / checkpoint.save(folder, objects, state).name
            return self.last
        finally:
            shutil.rmtree(folder)

    def restore(self, path: Path, optimizer: bool = True) -> None:
        """Sets all that was saved; without `optimizer` the weights alone."""
        objects = self._objects()
        network = objects.pop("network")
        if not optimizer:
            checkpoint.restore(path, network)
            return
        checkpoint.restore(path, network, **objects)

    def _objects(self) -> dict:
        detector = self.detector
        objects = {
            "network": detector.network,
            "optimizer": detector.optimizer,
            "values": detector.values,
        }
        if detector.averages is not None:
            objects["averages"] = detector.averages
        return objects
