"""Pictures of an evaluation: curves by score and by recall, and the confusion matrix."""

import numpy as np
from matplotlib.ticker import PercentFormatter

from yolo_tf.visualize.figures import new_figure, short, write_figure

_NAMED = 10  # classes that get a colour and a name each; more would be a thicket
_NUMBERED = 20  # classes up to which a cell of the matrix has room for its number
_INK = "#1f2d3d"


def draw_curves(panels: dict, names: list[str], threshold: float, path) -> None:
    """Four panels, a line for each class and a thick one for their mean.

    Args:
      panels: title -> (label of the x axis, x [T], y [C, T]), 0..1; rows that are NaN throughout
        are classes without truths.
      names: of the C classes.
      threshold: the score threshold of the report, marked where the x axis is the score.
      path: the PNG file.
    """
    figure = new_figure(10, 8)
    axes = figure.subplots(2, 2).flat
    for axis, (title, (label, x, y)) in zip(axes, panels.items(), strict=True):
        known = np.flatnonzero(np.isfinite(y).any(axis=1))
        few = len(known) <= _NAMED
        for index in known:
            style = {"label": short(names[index])} if few else {"color": "#b8c4d0"}
            axis.plot(x, y[index], linewidth=1.2 if few else 0.6, **style)
        axis.plot(x, _mean(y[known]), color=_INK, linewidth=2.4, label=f"mean of {len(known)}")
        if label == "score threshold":
            axis.axvline(threshold, color=_INK, linestyle=":", linewidth=1)
        axis.set(title=title, xlabel=label, xlim=(0, 1), ylim=(0, 1.02))
        axis.grid(alpha=0.3)
    axes = figure.axes
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=min(len(handles[0]), 6), fontsize=9)
    write_figure(figure, path)


def draw_confusion(matrix: np.ndarray, names: list[str], path) -> None:
    """The matrix with a row for each class of the truths; the last row and column: background.

    Colours are shares of a row. The background's row has no whole to be a share of, and takes
    that of what was found.

    Args:
      matrix: [C + 1, C + 1] int.
      names: of the C classes.
      path: the PNG file.
    """
    labels = [*map(short, names), "background"]
    size = len(labels)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    inches = float(np.clip(0.55 * size + 3, 5.5, 18))
    figure = new_figure(inches + 0.8, inches)
    axis = figure.subplots()
    image = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, format=PercentFormatter(1), shrink=0.8, label="share of the row")
    font = 9 if size <= _NUMBERED else 6
    axis.set_xticks(range(size), labels, rotation=90 if size > 6 else 30, fontsize=font)
    axis.set_yticks(range(size), labels, fontsize=font)
    axis.set(xlabel="found", ylabel="truth")
    if size <= _NUMBERED + 1:
        for row, column in np.argwhere(matrix):
            colour = "white" if shares[row, column] > 0.5 else _INK
            text = f"{matrix[row, column]}"
            axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=font)
    write_figure(figure, path)


def _mean(rows: np.ndarray) -> np.ndarray:
    """Of the rows that have a value, at each place; NaN where none has."""
    count = np.isfinite(rows).sum(axis=0)
    return np.where(count, np.nansum(rows, axis=0) / np.maximum(count, 1), np.nan)
