"""The files of a run: one folder holds all that a training made."""

from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.config_io import read_config, write_config
from yolo_tf.errors import UserError
from yolo_tf.files import read_lines, write_lines


class RunFolder:
    """Paths of a run folder."""

    def __init__(self, path):
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.classes = self.path / "classes.txt"
        self.results = self.path / "results.csv"
        self.plot = self.path / "results.png"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self.train_batch = self.path / "train_batch.jpg"
        self.predictions = self.path / "val_predictions.jpg"

    def check_new(self) -> None:
        """Raises `UserError` if the folder holds a run with something to lose: a checkpoint."""
        if any(self.checkpoints.glob("*.json")):
            raise UserError(
                f"--workdir={self.path}: holds a run already; continue it with --resume, or name"
                " another folder"
            )

    def create(self, config: Config, class_names: list[str]) -> None:
        """Makes the folder and writes config.yaml and classes.txt.

        Raises:
          UserError: the folder holds a run already, or cannot be made.
        """
        self.check_new()
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self.results.unlink(missing_ok=True)  # of a run that ended before a checkpoint
        except OSError as error:
            raise UserError(f"--workdir={self.path}: cannot be made: {error.strerror}") from None
        write_lines(self.classes, class_names)
        write_config(config, self.config)

    def read_config(self) -> Config:
        if not self.config.exists():
            raise UserError(f"{self.path}: no run folder (it has no config.yaml)")
        return read_config(self.config)

    def read_classes(self) -> list[str]:
        try:
            return read_lines(self.classes)
        except (OSError, UnicodeDecodeError):
            raise UserError(f"{self.classes}: not readable; it lists the run's classes") from None
