"""results.png, the curves of a run from its results.csv, and what all plots share."""

import csv
import io
import math
import re
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from yolo_tf.files import write_bytes

# Curves that belong together, a panel each; every other column gets a panel of its own.
_PANELS = {
    "loss": ("loss", "val_loss"),
    "box loss": ("box_loss", "val_box_loss"),
    "class loss": ("class_loss", "val_class_loss"),
    "objectness loss": ("objectness_loss", "val_objectness_loss"),
    "average precision": ("AP", "AP50", "AP75", "voc_AP50"),
    "AP by object size": ("APs", "APm", "APl"),
    "average recall": ("AR1", "AR10", "AR100", "ARs", "ARm", "ARl"),
    "mean IoU of the boxes": ("avg_iou", "val_avg_iou"),
    "mean objectness of the boxes": ("avg_obj", "val_avg_obj"),
    "learning rate": ("learning_rate",),
    "images a second": ("images_per_second",),
    "most memory so far, MB": ("memory_mb", "gpu_memory_mb"),
}
_SHARES = (
    "average precision",
    "AP by object size",
    "average recall",
    "mean IoU of the boxes",
    "mean objectness of the boxes",
)
_FROM_ZERO = ("images a second", "most memory so far, MB")
_DASHED = ("voc_AP50",)  # lies upon AP50
_NOT_SHOWN = ("epoch", "seconds", "voc07_AP50")
_OF_A_LEVEL = re.compile(r".*_\d+")  # such as box_loss_16: in the CSV file; here they would crowd
_COLUMNS = 4


def plot_results(csv_path, png_path) -> None:
    """Draws the numeric columns of a results.csv over its epochs.

    Args:
      csv_path: a table with a header; its column `epoch` is the x axis (else the row number).
        Empty cells and cells that are no finite number are gaps in a curve.
      png_path: the image; written whole or not at all.
    """
    with Path(csv_path).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    curves = _curves(rows)
    panels = _panels(curves)
    height = max(1, math.ceil(len(panels) / _COLUMNS))
    epochs = [epoch for points in curves.values() for epoch, _ in points]
    # Of all panels, though evaluations may begin late; and some room beside a single epoch.
    span = (min(epochs) - 0.3, max(epochs) + 0.3) if epochs else None
    figure = new_figure(4 * _COLUMNS, 3 * height)
    for number, (title, names) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(height, _COLUMNS, number)
        for name in names:
            points = curves[name]
            axes.plot(
                *zip(*points, strict=True),
                label=name,
                marker="." if len(points) < 60 else "",
                linestyle="--" if name in _DASHED else "-",
            )
        axes.set_title(title, fontsize=11)
        axes.set_xlim(span)
        axes.ticklabel_format(axis="y", scilimits=(-3, 5))
        if number > len(panels) - _COLUMNS:  # the lowest of its column
            axes.set_xlabel("epoch", fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.grid(alpha=0.3)
        if title in _SHARES:
            axes.set_ylim(0, 1)
        if title in _FROM_ZERO:
            axes.set_ylim(0, 1.1 * max(value for name in names for _, value in curves[name]))
        if len(names) > 1:
            axes.legend(fontsize=8)
    if not panels:
        figure.text(0.5, 0.5, "no results yet", ha="center")
    write_figure(figure, png_path)


def _curves(rows: list[dict]) -> dict[str, list[tuple[float, float]]]:
    """Column -> its (epoch, value) points; columns without any number are left out."""
    curves = {}
    for index, row in enumerate(rows, start=1):
        epoch = finite_number(row.get("epoch"))
        for name, cell in row.items():
            value = finite_number(cell)
            if name is not None and value is not None:
                point = (index if epoch is None else epoch, value)
                curves.setdefault(name, []).append(point)
    return curves


def _panels(curves) -> dict[str, list[str]]:
    panels = {title: [name for name in names if name in curves] for title, names in _PANELS.items()}
    grouped = {name for names in _PANELS.values() for name in names}
    for name in curves:
        if name not in {*grouped, *_NOT_SHOWN} and not _OF_A_LEVEL.fullmatch(name):
            panels[name] = [name]
    return {title: names for title, names in panels.items() if names}


COLOURS = ("#3b6fb6", "#e08a2c", "#4c9f5f", "#b64a8c")  # of the splits, in their order


def new_figure(width: float, height: float) -> Figure:
    """A figure of inches, 100 pixels each, that needs no window."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def finite_number(cell) -> float | None:
    """A cell of a table as a number; None where it is none, or not finite."""
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def write_figure(figure: Figure, path, dpi: int = 100) -> None:
    """Writes a PNG, whole or not at all."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    write_bytes(path, file.getvalue())


def short(name: str, length: int = 24) -> str:
    """A name cut to a length, for a label."""
    text = name if len(name) <= length else name[: length - 1] + "…"
    return text.replace("$", r"\$")  # which matplotlib takes for mathematics
