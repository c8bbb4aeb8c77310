"""The figures of a check as plain dicts, for JSON, for the printed tables and for the pictures."""

import itertools

import numpy as np

from yolo_tf.data import anchors as quality
from yolo_tf.data.check.problems import Problem
from yolo_tf.data.check.split import Split
from yolo_tf.data.check.survey import Input

# Side of a square of the box's area, input pixels: limits of the size classes.
SIDES = (8, 16, 32, 64, 128, 256)
_PERCENT = (0, 25, 50, 75, 95, 100)


def summary(
    splits: list[Split], class_names: list[str], network_input: Input, problems: list[Problem]
) -> dict:
    """Everything that a check found; anchors are judged by the first split."""
    return {
        "input": {
            "size": list(network_input.size),
            "resize": network_input.resize,
            "min_size": network_input.min_size,
        },
        "classes": class_names,
        "splits": {split.name: split_summary(split, class_names) for split in splits},
        "anchors": anchor_summary(splits[0], class_names, network_input.anchors),
        "problems": [problem.to_dict() for problem in problems],
    }


def split_summary(split: Split, class_names: list[str]) -> dict:
    """The figures of one split."""
    counts = np.array(split.counts, np.int64)
    wh, _ = split.box_sizes()
    boxes, images = split.boxes_per_class.tolist(), split.images_per_class.tolist()
    return {
        "read_from": split.where,
        "images": split.images,
        "boxes": split.boxes,
        "unusable_images": split.unusable,
        "images_without_boxes": int((counts == 0).sum()),
        "crowd_boxes": split.crowd_boxes,
        "boxes_per_class": dict(zip(class_names, boxes, strict=True)),
        "images_per_class": dict(zip(class_names, images, strict=True)),
        "boxes_per_image": {
            "mean": round(float(counts.mean()), 2) if len(counts) else None,
            "percentiles": _percentiles(counts),
            "histogram": np.bincount(counts).tolist(),
        },
        "box_sizes": dict(zip(size_names(), _size_counts(wh).tolist(), strict=True)),
        "image_sizes": [
            {"height": h, "width": w, "images": n} for (h, w), n in split.sizes.most_common()
        ],
        "encoder": dict(split.encoder),
    }


def anchor_summary(split: Split, class_names: list[str], anchors: np.ndarray | None) -> dict | None:
    """How well the anchors fit the boxes: all, by class and by size. None without anchors."""
    if anchors is None:
        return None
    wh, classes = split.box_sizes()
    overlap, reached = quality.best_iou(wh, anchors), quality.reachable(wh, anchors)
    sizes = size_index(wh)

    def figures(chosen) -> dict:
        count = int(chosen.sum())
        return {
            "boxes": count,
            "best_possible_recall": round(float(reached[chosen].mean()), 4) if count else None,
            "mean_best_iou": round(float(overlap[chosen].mean()), 4) if count else None,
        }

    return {
        "sizes": np.round(anchors, 2).tolist(),
        "all": figures(np.ones(len(wh), bool)),
        "by_class": {name: figures(classes == i) for i, name in enumerate(class_names)},
        "by_size": {name: figures(sizes == i) for i, name in enumerate(size_names())},
    }


def size_names() -> list[str]:
    """The size classes: "under 8", "8 to 16", ... input pixels."""
    between = [f"{a} to {b}" for a, b in itertools.pairwise(SIDES)]
    return [f"under {SIDES[0]}", *between, f"from {SIDES[-1]}"]


def size_index(wh: np.ndarray) -> np.ndarray:
    """[N] int: the size class of boxes [N, 2]."""
    return np.searchsorted(SIDES, np.sqrt(wh.prod(axis=1)), side="right")


def _size_counts(wh):
    return np.bincount(size_index(wh), minlength=len(SIDES) + 1)


def _percentiles(counts) -> dict | None:
    if not len(counts):
        return None
    values = np.percentile(counts, _PERCENT, method="nearest").tolist()
    return {str(p): int(v) for p, v in zip(_PERCENT, values, strict=True)}
