"""The results of a check: figures as plain dicts for JSON and plots, and the printed tables.

The tables come first, then the problems, the worst first.
"""

import itertools

import numpy as np

from yolo_tf.analysis.findings import Problem
from yolo_tf.analysis.split import Split
from yolo_tf.analysis.survey import Input
from yolo_tf.data.records import anchors as quality

_EXAMPLES = 3  # of each problem; findings.jsonl has all
_NAMES = 10  # of classes, in a problem
_CLASSES = 100  # lines of the class table
_LABEL = 12  # characters before the text
_QUALITY = f"{'anchor recall':>15}{'best IoU':>10}"  # of the training split
_INDENT = 21  # the same of what stands below a problem


def tables(found: dict) -> list[str]:
    """The lines of `summary`'s figures."""
    return [
        *_class_table(found),
        "",
        *(line for name, split in found["splits"].items() for line in _split_lines(name, split)),
        *_size_table(found),
        *_encoder_lines(found["splits"]),
    ]


def problem_lines(problems: list[Problem]) -> list[str]:
    """A block for each problem: severity, count, what it is, examples, what to do."""
    if not problems:
        return ["no problems found"]
    lines = []
    for problem in problems:
        title = f"{problem.kind.unit} {problem.kind.title}"
        lines.append(f"{problem.severity:<{_LABEL - 4}}{problem.count:>9,}  {title}")
        lines += [f"{'':{_INDENT}}{line}" for line in _examples(problem)]
        lines.append(f"{'':{_INDENT}}what to do: {problem.kind.advice}")
    return lines


def _examples(problem: Problem) -> list[str]:
    findings = problem.findings
    if problem.kind.unit == "classes":
        shown = ", ".join(f.image for f in findings[:_NAMES])
        return [shown + (f" and {problem.count - _NAMES:,} more" if problem.count > _NAMES else "")]
    lines = []
    for finding in findings[:_EXAMPLES]:
        image = f" ({finding.image})" if finding.image else ""
        lines.append(f"{finding.split}: {finding.place}{image}: {finding.detail}")
    more = problem.count - _EXAMPLES
    return [*lines, f"... and {more:,} more"] if more > 0 else lines


def _class_table(found: dict) -> list[str]:
    splits, anchors = found["splits"], found["anchors"]
    width = max(12, *(len(name) for name in found["classes"]))
    head = "class".ljust(width + 5)
    for name in splits:
        head += f"{name + ' boxes':>{_column(name)}}{'in images':>11}"
    lines = [head + (_QUALITY if anchors else "")]
    for index, name in enumerate(found["classes"][:_CLASSES]):
        line = f"{index:>4} {name.ljust(width)}"
        for split_name, split in splits.items():
            boxes, images = split["boxes_per_class"][name], split["images_per_class"][name]
            line += f"{boxes:>{_column(split_name)},}{images:>11,}"
        lines.append(line + (_quality(anchors["by_class"][name]) if anchors else ""))
    if len(found["classes"]) > _CLASSES:
        lines.append(f"     ... and {len(found['classes']) - _CLASSES:,} more classes")
    return lines


def _split_lines(name: str, split: dict) -> list[str]:
    per_image, sizes = split["boxes_per_image"], split["image_sizes"]
    spread = per_image["percentiles"]
    lines = []
    if spread:
        lines.append(
            f"{name:<{_LABEL}}boxes an image: least {spread['0']}, median {spread['50']}, mean"
            f" {per_image['mean']:g}, 95 % up to {spread['95']}, most {spread['100']};"
            f" images without boxes: {split['images_without_boxes']:,}"
        )
        shown = ", ".join(f"{s['width']} x {s['height']} ({s['images']:,})" for s in sizes[:4])
        more = f" and {len(sizes) - 4:,} other sizes" if len(sizes) > 4 else ""
        lines.append(f"{'':{_LABEL}}image sizes, width x height: {shown}{more}")
    return lines


def _size_table(found: dict) -> list[str]:
    splits, anchors = found["splits"], found["anchors"]
    height, width = found["input"]["size"]
    lines = [
        "",
        f"box sizes at {width} x {height} input pixels ({found['input']['resize']}): side of a"
        " square of the same area",
        "side".ljust(_LABEL)
        + "".join(f"{name + ' boxes':>{_column(name)}}" for name in splits)
        + (_QUALITY if anchors else ""),
    ]
    for name in next(iter(splits.values()))["box_sizes"]:
        counts = "".join(f"{s['box_sizes'][name]:>{_column(key)},}" for key, s in splits.items())
        figures = _quality(anchors["by_size"][name]) if anchors else ""
        lines.append(f"{name:<{_LABEL}}{counts}{figures}")
    if anchors:
        first, *others = map(_column, splits)
        all_boxes = f"{anchors['all']['boxes']:>{first},}{'':{sum(others)}}"
        lines.append(f"{'all':<{_LABEL}}{all_boxes}{_quality(anchors['all'])}")
    else:
        lines.append("this head has no anchors")
    return lines


_LOST = {  # of Split.encoder, why a box has no output
    "over_max_boxes": "too many (over data.max_boxes)",
    "crowd": "crowd",
    "unmatched_box": "no anchor fits",
    "box_between_points": "between all points",
    "shared_slot": "same cell and anchor as another box",
}


def _column(split: str) -> int:
    return max(14, len(split) + 8)


def _quality(figures: dict) -> str:
    if not figures["boxes"]:
        return f"{'-':>15}{'-':>10}"
    return f"{figures['best_possible_recall']:>15.3f}{figures['mean_best_iou']:>10.3f}"


def _encoder_lines(splits: dict) -> list[str]:
    lines = ["", "boxes that get an output of the network of their own, to be trained"]
    for name, split in splits.items():
        counts = split["encoder"]
        parts = ", ".join(f"{text} {counts[k]:,}" for k, text in _LOST.items() if k in counts)
        kept = split["boxes"] - sum(counts.values())
        lines.append(f"{name:<{_LABEL}}{kept:,} of {split['boxes']:,}; without: {parts}")
    if all("unmatched_box" not in split["encoder"] for split in splits.values()):
        lines.append(f"{'':{_LABEL}}which cells take a box, this head decides while it is trained")
    return lines


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
