"""The files of a run: one folder holds all that a training made, and saves and restores it."""

import contextlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.detector.build import build_detector
from yolo_tf.detector.detector import Detector
from yolo_tf.errors import UserError
from yolo_tf.files import try_lock
from yolo_tf.runs import checkpoint
from yolo_tf.runs.checkpoint import State
from yolo_tf.runs.recipe_files import CONFIG, read_recipe, write_recipe


class RunFolder:
    """Paths of a run folder; `flag` is the one that named it, for messages.

    Raises:
      UserError: the path is not UTF-8: TensorFlow could neither save nor restore there.
    """

    def __init__(self, path, flag: str = "workdir"):
        self.path, self.flag = Path(path), flag
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise UserError(
                f"{self.path}: the path is not UTF-8, as TensorFlow needs it; rename the folder or"
                " name another one"
            ) from None
        self.config = self.path / CONFIG
        self.results = self.path / "results.csv"
        self.plot = self.path / "results.png"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self.train_batch = self.path / "train_batch.jpg"
        self.report = self.path / "report"
        self.predictions = self.path / "val_predictions.jpg"
        self.lock_file = self.path / ".lock"

    def check_new(self) -> None:
        """Raises `UserError` if the folder holds a run with something to lose: a checkpoint."""
        if self.has_checkpoint():
            hint = "continue it with --resume, or " if self.flag == "workdir" else ""
            raise UserError(
                f"--{self.flag}={self.path}: holds a run already; {hint}name another folder"
            )

    def has_checkpoint(self) -> bool:
        """Whether there is something to lose, and to resume from."""
        return any(self.checkpoints.glob("*.json"))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder for this process; however that ends, the folder is free again.

        Raises:
          UserError: another process holds it, or it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = self.lock_file.open("a+", encoding="utf-8")
        except OSError as error:
            where = f"--{self.flag}={self.path}"
            raise UserError(f"{where}: cannot be made: {error.strerror}") from None
        with file:
            if not try_lock(file):
                file.seek(0)
                raise UserError(
                    f"--{self.flag}={self.path}: {file.read().strip() or 'another process'} is"
                    " writing into it; wait for its end or name another folder"
                )
            file.truncate(0)
            file.write(f"process {os.getpid()} on {platform.node()}\n")
            file.flush()
            yield

    def create(self, config: Config, class_names: list[str]) -> None:
        """Makes the folder and writes the files of `write_recipe`.

        Raises:
          UserError: the folder holds a run already, or cannot be made.
        """
        self.check_new()
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self.results.unlink(missing_ok=True)  # of a run that ended before a checkpoint
        except OSError as error:
            where = f"--{self.flag}={self.path}"
            raise UserError(f"{where}: cannot be made: {error.strerror}") from None
        write_recipe(self.path, config, class_names)

    def read_recipe(self) -> tuple[Config, list[str]]:
        """The recipe and the class names of the run."""
        if not self.config.exists():
            raise UserError(f"{self.path}: no run folder (it has no {CONFIG})")
        return read_recipe(self.path)

    def load_detector(self, folder: Path | None = None) -> tuple[Detector, Config]:
        """The detector with the weights of a checkpoint, by default the best, and the recipe."""
        config, class_names = self.read_recipe()
        detector = build_detector(config, class_names)
        checkpoint.restore(folder or checkpoint.find(self.checkpoints), detector.network)
        return detector, config


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
