"""Plots of an evaluation: curves by score and by recall, and the confusion matrix."""

from dataclasses import dataclass

import numpy as np

from yolo_tf.visualize.plots import new_figure, short, write_figure

_NAMED = 8  # classes that get a colour and a name each; more would be a thicket
_NUMBERED = 20  # classes up to which a cell of the matrix has room for its number
_SHOWN = 100  # classes up to which a row of the matrix has room for its name
_INK, _PALE = "#1f2d3d", "#b8c4d0"


@dataclass(frozen=True)
class Panel:
    """Curves of C classes."""

    title: str
    x_label: str
    x: np.ndarray  # [T], 0..1
    y: np.ndarray  # [C, T], 0..1; rows that are NaN throughout are classes without truths
    mean: np.ndarray  # [T]


def draw_curves(panel: Panel, names: list[str], boxes: list[int], threshold: float, path) -> None:
    """A line for each class and a thick one for their mean.

    Of many classes those with most boxes have a colour, the others are pale.

    Args:
      names, boxes: of the C classes, the latter the number of their true boxes.
      threshold: a score to be marked where the x axis is the score.
      path: the PNG file.
    """
    known = np.flatnonzero(np.isfinite(panel.y).any(axis=1))
    # The same classes and colours in all panels, though a class may have no line in one.
    frequent = np.argsort(-np.asarray(boxes), kind="stable")[:_NAMED]
    named = sorted(index for index in frequent if boxes[index])
    others = [index for index in known if index not in named]
    figure = new_figure(5, 4.4)
    axis = figure.subplots()
    for index in named:
        axis.plot(panel.x, panel.y[index], linewidth=1.2, label=short(names[index]))
    label = f"{len(others)} other classes" if len(others) > 1 else "1 other class"
    for index in others:
        axis.plot(panel.x, panel.y[index], linewidth=0.6, color=_PALE, label=label, zorder=1)
        label = None
    axis.plot(panel.x, panel.mean, color=_INK, linewidth=2.4, label=f"mean of {len(known)}")
    if panel.x_label == "score threshold":
        style = {"color": _INK, "linestyle": ":", "linewidth": 1.2}
        axis.axvline(threshold, label=f"score {threshold:.3f}", **style)
    axis.set(title=panel.title, xlabel=panel.x_label, xlim=(0, 1), ylim=(0, 1.02))
    axis.grid(alpha=0.3)
    handles = axis.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3, fontsize=8)
    write_figure(figure, path, dpi=150)


def draw_confusion(matrix: np.ndarray, names: list[str], path) -> str:
    """The matrix with a row for each class of the truths; the last row and column: background.

    Colours are shares of a row. The background's row has no whole to be a share of, and takes
    that of what was found. Classes without any entry are left out, and of more than 100 others
    all but the most frequent.

    Args:
      matrix: [C + 1, C + 1] int.
      names: of the C classes.
      path: the PNG file.

    Returns:
      What is left out, for the caption; "" for nothing.
    """
    entries = (matrix.sum(axis=0) + matrix.sum(axis=1))[:-1]
    frequent = np.argsort(-entries, kind="stable")[:_SHOWN]
    kept = np.sort(frequent[entries[frequent] > 0])
    rows = [*kept, len(names)]
    shares = (matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1))[np.ix_(rows, rows)]
    labels = [*(short(names[index]) for index in kept), "background"]
    size = len(labels)
    numbered = size <= _NUMBERED + 1
    cell, font = (0.5, 9) if numbered else (0.13, 6.5)  # inches, points
    inches = max(cell * size, 2) + font / 100 * max(map(len, labels)) + 0.5
    figure = new_figure(inches, inches)
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(size), labels, rotation=90, fontsize=font)
    axis.set_yticks(range(size), labels, fontsize=font)
    axis.set(xlabel="found", ylabel="truth")
    if numbered:
        for row, column in np.argwhere(shares):
            colour = "white" if shares[row, column] > 0.5 else _INK
            text = f"{matrix[rows[row], rows[column]]}"
            axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=font)
    else:
        axis.set_xticks(np.arange(size) - 0.5, minor=True)
        axis.set_yticks(np.arange(size) - 0.5, minor=True)
        axis.grid(which="minor", color="#0001", linewidth=0.5)
        axis.tick_params(which="minor", length=0)
    write_figure(figure, path)
    left_out = (entries > 0).sum() - len(kept), (entries == 0).sum()
    texts = ("less frequent classes", "classes that are neither there nor found")
    parts = [f"{n} {text}" for n, text in zip(left_out, texts, strict=True) if n]
    return f"{' and '.join(parts)} left out" if parts else ""
