"""A run in other formats, each of them run again and compared with the run."""

import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from yolo_tf.data.records.open_records import Records
from yolo_tf.detect.base import BaseDetector
from yolo_tf.errors import UserError, unknown_name
from yolo_tf.evaluate.evaluator import collect, figures
from yolo_tf.evaluate.run import records_dataset
from yolo_tf.export.agreement import kept, largest_difference
from yolo_tf.export.folder import TABLE, replacing_export, write_sums_of_models
from yolo_tf.export.formats import FORMATS, ExportFormat
from yolo_tf.export.trained import Trained
from yolo_tf.files import WriteError, free_memory, markdown_table, write_text
from yolo_tf.progress import Bar, watched
from yolo_tf.runs.recipe_files import write_recipe

_LEAST_SHARE = 2 / 3  # of the model's AP50: where that is low, a tolerance alone allows its loss
_LEAST_KEPT = 0.5  # of the model's detections, of a format that does not compute in float32
_ROUNDING = 1e-3  # largest difference of one, of a format that computes in float32
_BATCH = 8
_CALIBRATION = 100  # images
_CALLS = 10  # of each model, for its time


@dataclass(frozen=True)
class FormatRow:
    """What came of one format; `None` where it was not measured."""

    format: str
    file: str
    megabytes: float | None = None
    difference: float | None = None  # largest, of a box's edge (0 to 1) or a score
    AP50: float | None = None
    milliseconds: float | None = None  # median for one image, without reading and resizing it
    problem: str = ""  # why it was refused


def export_model(
    trained: Trained, output: Path, formats: list[str], data: str, max_images: int
) -> tuple[list[FormatRow], float | None]:
    """Writes a model in some formats into a folder.

    Each file is read again and detects on real images. One that computes in float32 is refused
    when a detection differs by more than rounding, another when half of the model's detections are
    lost; any when its AP50 is lower than the model's by more than the tolerance of its format or
    by a third. The others are kept. Of a refused one in 8 bits the layer that is to blame is named.

    Args:
      formats: keys of `FORMATS`.
      data: pattern of records with boxes; empty: drawn images, and no AP50.
      max_images: of `data`.

    Returns:
      A row for each format, and AP50 of the model itself.

    Raises:
      UserError: no format has this name; `output` is something else, cannot be written, or
        another process is exporting into it.
    """
    for name in formats:
        if name not in FORMATS:
            raise UserError(f"formats: {unknown_name(name, FORMATS)}")
    rows = []
    with replacing_export(output) as folder:
        images = _Images(trained, data, max_images)
        write_recipe(folder, trained.config, trained.detector.class_names)
        for name in Bar(formats, "exporting", unit="format", leave=False):
            if not watched():  # a format may take longer than the time between two lines
                print(f"exporting {name}", flush=True)
            rows.append(_write(trained, name, folder / FORMATS[name].file, images))
            free_memory()
        results = {"AP50": images.ap50, "images": images.count, "data": data}
        results["formats"] = [asdict(row) for row in rows]
        write_text(folder / TABLE, json.dumps(results, indent=2, allow_nan=False) + "\n")
        write_text(folder / "export.md", table(rows, images.ap50) + "\n")
        write_sums_of_models(folder)
    return rows, images.ap50


def _write(trained: Trained, name: str, path: Path, images: "_Images") -> FormatRow:
    """Writes one format, reads it again and judges it."""
    form = FORMATS[name]
    try:
        form.write(trained, path)
        free_memory()
        detector = form.read(path, trained.config, trained.detector.class_names)
    except WriteError:
        raise  # the disk is full: for the other formats too
    except UserError as error:
        return FormatRow(name, form.file, problem=str(error))
    row = images.row(name, form, path, detector)
    if row.problem and form.explain and (cause := form.explain(trained)):
        row = replace(row, problem=f"{row.problem}; lost first in layer {cause}")
    if row.problem:
        path.rename(path.with_name(f"refused_{path.name}"))
    return row


def found_records(pattern: str) -> str:
    """The pattern, or "" where no records are (any more)."""
    try:
        return pattern if pattern and Records.unchecked(pattern) else ""
    except UserError:
        return ""


def calibration_images(trained: Trained, pattern: str) -> Callable[[], Iterator[np.ndarray]]:
    """A function that gives the first hundred images of records, as `Trained.calibration`.

    Raises:
      UserError: the records have a class that the model does not know.
    """
    images = records_dataset(trained.detector, _open(trained, pattern), 1).take(_CALIBRATION)
    return lambda: (batch["image"].numpy() for batch in images)


def _open(trained: Trained, pattern: str) -> Records:
    """Records with the model's classes; what their labels mean is told by its recipe."""
    return Records.open(pattern, trained.config.data, trained.detector.class_names)


def table(rows: list[FormatRow], ap50: float | None) -> str:
    """The rows as Markdown, the AP50 of the model beside that of each format."""
    titles = ["format", "file", "MB", "largest difference", "AP50 before", "AP50", "ms an image"]
    cells = [
        [
            row.format,
            f"refused_{row.file}" if row.problem and row.megabytes else row.file,
            *(shown(row.megabytes, ".1f"), shown(row.difference, ".1e")),
            *(shown(ap50, ".4f"), shown(row.AP50, ".4f"), shown(row.milliseconds, ".1f")),
        ]
        for row in rows
    ]
    return "\n".join(markdown_table(titles, cells))


def shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


class _Images:
    """The images on which a model and its exports are compared.

    Attributes:
      count: how many.
      ap50: of the model; None without boxes.
    """

    def __init__(self, trained: Trained, data: str, max_images: int):
        self._names = trained.detector.class_names
        self._scored = bool(data)
        if data:
            batches = records_dataset(trained.detector, _open(trained, data), _BATCH)
            self._batches = batches.take(math.ceil(max_images / _BATCH))
        else:
            self._batches = [{"image": _drawn(*trained.detector.input_size)}]
        detector = trained.detector
        self._expected, self.ap50 = self._detect(detector.compiled(detector.detect_inputs))
        self.count = sum(len(found["num_detections"]) for found in self._expected)

    def row(self, name: str, form: ExportFormat, path: Path, detector: BaseDetector) -> FormatRow:
        """Runs and judges an export."""
        run = detector.compiled(detector.detect_inputs)
        found, ap50 = self._detect(run)
        worst = max(map(largest_difference, found, self._expected))
        problem = self._problem(form, found, worst, ap50)
        size = sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file())
        milliseconds = self._milliseconds(run)
        return FormatRow(name, form.file, size / 1e6, worst, ap50, milliseconds, problem)

    def _problem(
        self, form: ExportFormat, found: list[dict], worst: float, ap50: float | None
    ) -> str:
        """Why an export is refused; "": it is not."""
        if ap50 is not None:
            text = f"AP50 is {ap50:.4f}, the model's {self.ap50:.4f}; expected at"
            if not self.ap50 - ap50 <= form.tolerance:
                return f"{text} most {form.tolerance:g} less"
            if not ap50 >= self.ap50 * _LEAST_SHARE:
                return f"{text} least two thirds of it"
        if form.exact:
            good = worst <= _ROUNDING
            text = f"a detection differs by {worst:.2g}, expected at most {_ROUNDING:g}"
            return "" if good else text
        there, wanted = map(sum, zip(*map(kept, found, self._expected), strict=True))
        if there >= wanted * _LEAST_KEPT:
            return ""
        return f"{there} of the model's {wanted} detections are left, expected at least half"

    def _detect(self, run) -> tuple[list[dict], float | None]:
        """What it finds in each batch, and AP50."""
        results = []

        def detect(batch):
            results.append({k: np.asarray(v) for k, v in run(batch["image"]).items()})
            return results[-1]

        if self._scored:
            found = collect(detect, self._batches, self._names)
            return results, figures(found, self._names)["AP50"]
        for batch in self._batches:
            detect(batch)
        return results, None

    def _milliseconds(self, run) -> float:
        image = next(iter(self._batches))["image"][:1]
        times = []
        for _ in range(_CALLS + 1):
            start = time.perf_counter()
            np.asarray(run(image)["num_detections"])
            times.append(time.perf_counter() - start)
        return statistics.median(times[1:]) * 1e3  # the first call is traced


def _drawn(height: int, width: int) -> tf.Tensor:
    """Rectangles on noise, since noise alone gives hardly any detections."""
    images = np.random.default_rng(0).random([2, height, width, 3], np.float32)
    images[:, height // 4 : height // 2, width // 4 : width // 2] = (0.8, 0.2, 0.2)
    return tf.constant(images)
