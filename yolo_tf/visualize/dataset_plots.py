"""Plots of a data set: classes.png, boxes.png, and anchors drawn over their boxes."""

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, ScalarFormatter

from yolo_tf.visualize.draw import class_colour
from yolo_tf.visualize.plots import COLOURS, new_figure, short, write_figure

_CLASSES = 120  # bars; the JSON file has all
_POINTS = 20_000  # boxes drawn one by one


def plot_classes(counts: dict[str, np.ndarray], class_names: list[str], path) -> None:
    """Boxes of each class as bars, the most frequent on top.

    Args:
      counts: name of the split -> [classes] boxes.
      path: the PNG file.
    """
    total = np.sum(list(counts.values()), axis=0)
    used = int((total > 0).sum())
    order = np.argsort(-total, kind="stable")[: max(min(used, _CLASSES), 1)]
    bar = 0.8 / len(counts)
    figure = new_figure(10, 1.6 + 0.17 * len(order) * max(len(counts), 1.5))
    axes = figure.add_subplot()
    for number, (name, values) in enumerate(counts.items()):
        places = np.arange(len(order)) + (number - (len(counts) - 1) / 2) * bar
        bars = axes.barh(places, values[order], bar, label=name, color=COLOURS[number % 4])
        axes.bar_label(bars, [f"{v:,}" for v in values[order]], padding=3, fontsize=8)
    axes.set_yticks(range(len(order)), [short(class_names[i]) for i in order], fontsize=9)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xscale("symlog", linthresh=10)
    axes.set_xlim(0, max(total.max(initial=0), 10) * 2)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlabel("boxes (logarithmic from 10 on)")
    remarks = [f"the {_CLASSES} most frequent"] if used > _CLASSES else []
    remarks += [f"{len(total) - used} of {len(total)} have none"] if used < len(total) else []
    axes.set_title(f"Boxes of each class{': ' if remarks else ''}{', '.join(remarks)}")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    if len(counts) > 1:
        axes.legend(loc="lower right")
    write_figure(figure, path)


def plot_boxes(splits: dict[str, dict], centres, wh, anchors, input_size, path) -> None:
    """Boxes an image, sizes of boxes, where they lie, and width over height with the anchors.

    Args:
      splits: name -> {"counts": boxes of each image, "wh": [N, 2] input pixels}.
      centres: [rows, columns] boxes by the place of their centre in the image.
      wh: [N, 2] (width, height) of the training boxes, input pixels.
      anchors: [A, 2] (width, height) input pixels, or None.
      input_size: (height, width) pixels.
    """
    figure = new_figure(13, 10)
    _boxes_an_image(figure.add_subplot(2, 2, 1), splits)
    _sides(figure.add_subplot(2, 2, 2), splits, input_size)
    _scatter(figure.add_subplot(2, 2, 3), wh, anchors, input_size)
    axes = figure.add_subplot(2, 2, 4)
    image = axes.imshow(centres, extent=(0, 1, 1, 0), cmap="viridis", interpolation="nearest")
    axes.set_title("Centres of the training boxes")
    axes.set_xlabel("x, share of the image's width")
    axes.set_ylabel("y, share of the image's height")
    figure.colorbar(image, ax=axes, label="boxes", shrink=0.85)
    write_figure(figure, path)


def _boxes_an_image(axes, splits) -> None:
    most = max((max(part["counts"], default=0) for part in splits.values()), default=0)
    edges = np.linspace(-0.5, most + 0.5, most + 2 if most < 60 else 41)
    for number, (name, part) in enumerate(splits.items()):
        axes.hist(
            part["counts"], edges, label=name, color=COLOURS[number % 4], histtype="step", lw=1.8
        )
    axes.set_title("Boxes in an image")
    axes.set_xlabel("boxes")
    axes.set_ylabel("images")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _finish(axes, splits)


def _sides(axes, splits, input_size) -> None:
    edges = np.geomspace(1, max(input_size), 41)
    for number, (name, part) in enumerate(splits.items()):
        side = np.clip(np.sqrt(part["wh"].prod(axis=1)), edges[0], edges[-1])
        axes.hist(side, edges, label=name, color=COLOURS[number % 4], histtype="step", lw=1.8)
    axes.set_xscale("log")
    _pixel_ticks(axes.xaxis, max(input_size))
    axes.set_title("Sizes of the boxes")
    axes.set_xlabel("square root of the area, input pixels")
    axes.set_ylabel("boxes")
    _finish(axes, splits)


def _scatter(axes, wh, anchors, input_size) -> None:
    if len(wh) > _POINTS:
        wh = wh[np.random.default_rng(0).choice(len(wh), _POINTS, replace=False)]
    axes.scatter(*wh.T, s=6, alpha=0.3, color=COLOURS[0], linewidths=0, label="boxes")
    if anchors is not None:
        axes.scatter(*np.transpose(anchors), s=80, marker="X", color="black", label="anchors")
    height, width = input_size
    axes.set(xscale="log", yscale="log", xlim=(1, 1.2 * width), ylim=(1, 1.2 * height))
    _pixel_ticks(axes.xaxis, width)
    _pixel_ticks(axes.yaxis, height)
    axes.set_title("Width and height of the training boxes")
    axes.set_xlabel("width, input pixels")
    axes.set_ylabel("height, input pixels")
    axes.legend(loc="upper left")
    axes.grid(alpha=0.3)


def _pixel_ticks(axis, most) -> None:
    axis.set_major_locator(FixedLocator([2**n for n in range(13) if 2**n <= 1.2 * most]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(ScalarFormatter())


def _finish(axes, splits) -> None:
    axes.grid(alpha=0.3)
    if len(splits) > 1:
        axes.legend()


_POINTS_SHOWN = 20_000  # boxes drawn


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
    if len(wh) > _POINTS_SHOWN:
        shown = np.random.default_rng(0).choice(len(wh), _POINTS_SHOWN, replace=False)
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
