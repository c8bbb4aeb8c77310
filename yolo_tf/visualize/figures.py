"""What the figures of a data set share: an empty figure, and writing it whole."""

import math
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from yolo_tf.files import replacing

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
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi)


def short(name: str, length: int = 24) -> str:
    """A name cut to a length, for a label."""
    text = name if len(name) <= length else name[: length - 1] + "…"
    return text.replace("$", r"\$")  # which matplotlib takes for mathematics
