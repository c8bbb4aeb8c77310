"""The picture of fitted anchors: boxes in their clusters, and anchors drawn to scale."""

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from yolo_tf.visualize.draw import class_colour
from yolo_tf.visualize.figures import new_figure, write_figure

_POINTS = 20_000  # boxes drawn


def plot_anchors(wh, clusters, old, new, input_size: tuple[int, int], path) -> None:
    """Writes a PNG.

    Args:
      wh: [N, 2] (width, height) of boxes with an area, input pixels; N > 0.
      clusters: [N] int: the row of `new` that each box belongs to.
      old, new: [A, 2] (width, height) of anchors, input pixels.
      input_size: (height, width) pixels.
    """
    figure = new_figure(14, 6.5)
    _clusters(figure.add_subplot(1, 2, 1), wh, clusters, old, new)
    _to_scale(figure.add_subplot(1, 2, 2), old, new, input_size)
    write_figure(figure, path)


def _clusters(axes, wh, clusters, old, new) -> None:
    shown = np.arange(len(wh))
    if len(wh) > _POINTS:
        shown = np.random.default_rng(0).choice(len(wh), _POINTS, replace=False)
    colours = np.array([_colour(index) for index in range(len(new))])
    axes.scatter(*wh[shown].T, s=7, alpha=0.4, color=colours[clusters[shown]], linewidths=0)
    style = {"marker": "X", "s": 110, "edgecolor": "black"}
    axes.scatter(*new.T, color=colours, label="fitted", **style)
    axes.scatter(*old.T, marker="o", s=70, facecolor="none", edgecolor="black", label="recipe")
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([2**n for n in range(13)]))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(ScalarFormatter())
    axes.set_title(f"{len(wh):,} boxes by their best anchor")
    axes.set_xlabel("width, input pixels")
    axes.set_ylabel("height, input pixels")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")


def _to_scale(axes, old, new, input_size) -> None:
    height, width = input_size
    for index, (w, h) in enumerate(new):
        style = {"fill": False, "lw": 2.2, "label": "fitted" if not index else None}
        axes.add_patch(Rectangle((-w / 2, -h / 2), w, h, edgecolor=_colour(index), **style))
    for index, (w, h) in enumerate(old):
        style = {"fill": False, "lw": 1, "ls": "--", "label": None if index else "recipe"}
        axes.add_patch(Rectangle((-w / 2, -h / 2), w, h, edgecolor="black", **style))
    most = np.concatenate([old, new]).max(axis=0)
    right, top = max(width, most[0]) / 2 * 1.03, max(height, most[1]) / 2 * 1.03
    axes.add_patch(Rectangle((-width / 2, -height / 2), width, height, fill=False, color="0.7"))
    axes.set(xlim=(-right, right), ylim=(-top, top), aspect="equal")
    axes.set_title(f"Anchors in the network input, {width} x {height} pixels (grey)")
    axes.set_xlabel("input pixels from the centre")
    axes.set_ylabel("input pixels from the centre")
    axes.legend(loc="upper left")


def _colour(index: int) -> tuple[float, ...]:
    return tuple(part / 255 for part in class_colour(index))
