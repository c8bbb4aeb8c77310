"""Metrics for people (a table) and for programs (a JSON file)."""

import json

from yolo_tf.files import write_text

_COLUMNS = ("AP", "AP50", "AP75", "voc_AP50")
_SUMMARY = (
    ("AP", "COCO AP, mean over IoU 0.50 to 0.95"),
    ("AP50", "COCO AP at IoU 0.50"),
    ("AP75", "COCO AP at IoU 0.75"),
    ("APs", "COCO AP of small boxes, below 32 x 32 pixels"),
    ("APm", "COCO AP of medium boxes"),
    ("APl", "COCO AP of large boxes, from 96 x 96 pixels"),
    ("AR1", "COCO recall with 1 detection an image"),
    ("AR10", "COCO recall with 10 detections an image"),
    ("AR100", "COCO recall with 100 detections an image"),
    ("ARs", "COCO recall of small boxes"),
    ("ARm", "COCO recall of medium boxes"),
    ("ARl", "COCO recall of large boxes"),
    ("voc_AP50", "VOC mAP at IoU 0.50, area under the curve"),
    ("voc07_AP50", "VOC 2007 mAP at IoU 0.50, 11 points"),
)


def metrics_table(metrics: dict) -> str:
    """Plain text: a row a class, then the summary; "-" where there is no truth to score."""
    rows = metrics["per_class"]
    width = max(len("class"), len("all"), *(len(row["name"]) for row in rows))
    total = {name: metrics[name] for name in ("images", "boxes", *_COLUMNS)}
    head = f"{'class':<{width}}{'images':>9}{'boxes':>9}"
    lines = [head + "".join(f"{name:>10}" for name in _COLUMNS)]
    for row in [*rows, {"name": "all", **total}]:
        counts = f"{row['name']:<{width}}{row['images']:>9}{row['boxes']:>9}"
        lines.append(counts + "".join(f"{_number(row[name]):>10}" for name in _COLUMNS))
    lines.append("")
    lines += [f"{name:<11}{_number(metrics[name]):>6}  {meaning}" for name, meaning in _SUMMARY]
    if metrics["dropped"]:
        lines.append(
            f"warning: {metrics['dropped']} true boxes over max_boxes an image were left out"
        )
    return "\n".join(lines)


def write_metrics(metrics: dict, path) -> None:
    """Writes the metrics as JSON, whole or not at all; missing figures are null."""
    text = json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
