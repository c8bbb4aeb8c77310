"""Metrics for people (a plain table, Markdown) and for programs (a JSON file)."""

import json

from yolo_tf.evaluate.mistakes import KINDS
from yolo_tf.files import write_text

_COLUMNS = ("AP", "AP50", "AP75", "voc_AP50")
# Of the report: title -> key of a class's row.
CLASS_COLUMNS = {
    "class": "name",
    "images": "images",
    "boxes": "boxes",
    "P": "P",
    "R": "R",
    "best F1": "F1",
    "at score": "F1_threshold",
    "AP50": "AP50",
    "AP": "AP",
    "small": "APs",
    "medium": "APm",
    "large": "APl",
}
SUMMARY = {
    "AP": "COCO AP, mean over IoU 0.50 to 0.95",
    "AP50": "COCO AP at IoU 0.50",
    "AP75": "COCO AP at IoU 0.75",
    "APs": "COCO AP of small boxes, below 32 x 32 pixels",
    "APm": "COCO AP of medium boxes",
    "APl": "COCO AP of large boxes, from 96 x 96 pixels",
    "AR1": "COCO recall with 1 detection an image",
    "AR10": "COCO recall with 10 detections an image",
    "AR100": "COCO recall with 100 detections an image",
    "ARs": "COCO recall of small boxes",
    "ARm": "COCO recall of medium boxes",
    "ARl": "COCO recall of large boxes",
    "voc_AP50": "VOC mAP at IoU 0.50, area under the curve",
    "voc07_AP50": "VOC 2007 mAP at IoU 0.50, 11 points",
}


def metrics_table(metrics: dict) -> str:
    """Plain text: a row a class, then the summary; "-" where there is no truth to score."""
    rows = metrics["per_class"]
    width = max(len("class"), len("all"), *(len(row["name"]) for row in rows))
    total = {name: metrics[name] for name in ("images", "boxes", *_COLUMNS)}
    head = f"{'class':<{width}}{'images':>9}{'boxes':>9}"
    lines = [head + "".join(f"{name:>10}" for name in _COLUMNS)]
    for row in [*rows, {"name": "all", **total}]:
        counts = f"{row['name']:<{width}}{row['images']:>9}{row['boxes']:>9}"
        lines.append(counts + "".join(f"{shown(row[name]):>10}" for name in _COLUMNS))
    lines.append("")
    lines += [f"{name:<11}{shown(metrics[name]):>6}  {text}" for name, text in SUMMARY.items()]
    if metrics["dropped"]:
        lines.append(
            f"warning: {metrics['dropped']} true boxes over max_boxes an image were left out"
        )
    return "\n".join(lines)


def class_rows(metrics: dict) -> list[list[str]]:
    """The cells of the report's table, by `CLASS_COLUMNS`; the last row is of all classes."""
    total = {"name": "all", "images": metrics["images"], "boxes": metrics["boxes"]}
    total |= {key: metrics[key] for key in ("AP50", "AP", "APs", "APm", "APl")}
    rows = [*metrics["per_class"], total]
    return [[shown(row.get(key)) for key in CLASS_COLUMNS.values()] for row in rows]


def markdown(metrics: dict, title: str) -> str:
    """The report as Markdown.

    Args:
      metrics: of `analysis.analyse`.
      title: one line.
    """
    lines = [f"# {title}", "", *_table(["", "figure", ""], summary_rows(metrics)), ""]
    lines += [f"## Classes\n\nP and R at score {metrics['threshold']:.3f}, IoU 0.5.", ""]
    lines += [*_table(list(CLASS_COLUMNS), class_rows(metrics)), ""]
    lines += [f"## Mistakes\n\nOf detections that score {metrics['threshold']:.3f} or more.", ""]
    table = _table(["kind", "number", "meaning"], mistake_rows(metrics))
    return "\n".join([*lines, *table, ""])


def write_metrics(metrics: dict, path) -> None:
    """Writes the metrics as JSON, whole or not at all; missing figures are null."""
    text = json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def shown(value) -> str:
    """A cell of a table; "-" where there is no value."""
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def summary_rows(metrics: dict) -> list[list[str]]:
    """(figure's name, its value, its meaning) of `SUMMARY`."""
    return [[name, shown(metrics[name]), text] for name, text in SUMMARY.items()]


def mistake_rows(metrics: dict) -> list[list[str]]:
    """(kind, number, meaning) of the mistakes."""
    return [[name, str(metrics["mistakes"][name]), text] for name, text in KINDS.items()]


def _table(titles: list[str], rows: list[list[str]]) -> list[str]:
    cells = [[text.replace("|", r"\|") for text in row] for row in rows]
    return ["| " + " | ".join(row) + " |" for row in [titles, ["---"] * len(titles), *cells]]
