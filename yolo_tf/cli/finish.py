"""The end of `train`: exports the best checkpoint, and says what was reached and what is next."""

import dataclasses
from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.data.records.open_records import Records
from yolo_tf.errors import UserError
from yolo_tf.export.export import calibration_images, export_model, found_records
from yolo_tf.loading import load_trained
from yolo_tf.runs.folder import RunFolder
from yolo_tf.runs.results import read_rows
from yolo_tf.train.loop import is_done, lacks_report

_CHECKED = 32  # validation images on which an export is compared with the model
_FOLDER = "export"
_DRAWN = "truth_and_predictions.jpg"


def finish(config: Config, folder: Path) -> None:
    """Exports what `config.train.export` names, and prints the last lines.

    Args:
      config: of the run.
      folder: of the run.

    Raises:
      UserError: as `export_model`, and a format that was refused.
    """
    problems = _export(config, folder) if config.train.export else []
    rows = _evaluated(folder / "results.csv", config.train.best_metric)
    if rows:
        best = max(rows, key=lambda row: float(row[config.train.best_metric]))
        images = Records.unchecked(config.data.val).count()
        figures = ", ".join(f"{name} {float(best[name]):.3f}" for name in ("AP50", "AP"))
        print(f"reached      {figures} on {images} validation images (epoch {best['epoch']}, best)")
    drawn = [folder / "report" / _DRAWN, folder / "val_predictions.jpg"]
    if shown := [path for path in drawn if path.exists()]:
        print(f"images       {shown[0]}: validation images, truth beside what was found")
    print(f"next         yolo-tf detect --model={folder} --input=photo.jpg")
    if problems:
        raise UserError("; ".join(problems))


def lacks_export(config: Config, run: RunFolder) -> bool:
    """Whether a run is done and has its report, but ended before its export was written."""
    if not config.train.export or (run.path / _FOLDER).exists() or not run.has_checkpoint():
        return False
    return is_done(config, run) and not lacks_report(config, run)


def _export(config: Config, folder: Path) -> list[str]:
    """Writes RUN/export; returns what was refused."""
    trained = load_trained(folder)
    records = found_records(config.data.val)
    output = folder / _FOLDER
    if "tflite_int8" in config.train.export and found_records(config.data.train):
        images = calibration_images(trained, config.data.train)
        trained = dataclasses.replace(trained, calibration=images)
    rows, _ = export_model(trained, output, list(config.train.export), records, _CHECKED)
    for row in rows:
        if not row.problem:
            print(f"exported     {output / row.file} ({row.megabytes:.1f} MB)")
    return [f"export: {row.format} refused: {row.problem}" for row in rows if row.problem]


def _evaluated(path: Path, metric: str) -> list[dict]:
    """The rows of epochs that were evaluated."""
    return [row for row in read_rows(path) if row.get(metric) not in (None, "", "nan")]
