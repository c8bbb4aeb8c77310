"""Metrics for people (a plain table, Markdown) and for programs (a JSON file)."""

import html
import json
import re
from dataclasses import dataclass

from yolo_tf.evaluate.mistakes import KINDS
from yolo_tf.files import markdown_table, write_text

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

_CONFUSIONS = 10  # pairs of classes in the table


@dataclass(frozen=True)
class ReportSection:
    """A table of the report."""

    heading: str
    text: str
    titles: list[str]
    rows: list[list[str]]
    total: list[str] | None = None  # the row of all classes
    texts: bool = False  # the last column holds sentences


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
    lines += [f"warning: {text}" for text in warnings(metrics)]
    return "\n".join(lines)


def warnings(metrics: dict) -> list[str]:
    """What is odd about an evaluation, a sentence each."""
    found = []
    if metrics["dropped"]:
        found.append(f"{metrics['dropped']} true boxes over max_boxes an image were left out")
    if metrics["not_finite"]:
        found.append(
            f"{metrics['not_finite']} detections were left out because their boxes or scores are no"
            " finite numbers; the weights are probably damaged"
        )
    elif not metrics["detections"]:
        found.append(
            "nothing was found in any image; the model is not trained, its weights are not finite,"
            " or its threshold of scores is too high"
        )
    return found


def sections(metrics: dict) -> list[ReportSection]:
    """The tables of the report but for that of all figures."""
    score = f"{metrics['threshold']:.3f}"
    means = "means of the classes at IoU 0.5"
    kinds = [[name, str(metrics["mistakes"][name]), text] for name, text in KINDS.items()]
    names = {"name": "all", "F1_threshold": metrics["threshold"]}
    total = {**{key: metrics.get(key) for key in CLASS_COLUMNS.values()}, **names}
    return [
        ReportSection(
            "Classes",
            f"P and R at score {score} and IoU 0.5; best F1 and its score of each class alone;"
            f" AP of small, medium and large boxes. In the row of all, P, R and F1 are {means}.",
            list(CLASS_COLUMNS),
            [_class_cells(row) for row in metrics["per_class"]],
            _class_cells(total),
        ),
        ReportSection(
            "Thresholds",
            f"P, R and F1 of what scores at least as much, {means}. F1 is highest at {score}, the"
            " threshold of this report. A higher one: less is found, and more of it is right.",
            ["score", "P", "R", "F1"],
            [
                [f"{row['score']:.3f}", *(shown(row[key]) for key in ("P", "R", "F1"))]
                for row in metrics["thresholds"]
            ],
        ),
        ReportSection(
            "Mistakes",
            f"Of what scores {score} or more.",
            ["kind", "number", "meaning"],
            kinds,
            texts=True,
        ),
        _confusions(metrics),
    ]


def figures_section(metrics: dict) -> ReportSection:
    """The table of `SUMMARY`."""
    rows = [[name, shown(metrics[name]), text] for name, text in SUMMARY.items()]
    return ReportSection("All figures", "", ["figure", "value", "meaning"], rows, texts=True)


def _class_cells(row: dict) -> list[str]:
    cells = {key: shown(row[key]) for key in CLASS_COLUMNS.values()}
    if row["F1_threshold"] is not None:
        cells["F1_threshold"] = f"{row['F1_threshold']:.3f}"
    return list(cells.values())


def _confusions(metrics: dict) -> ReportSection:
    """The classes that are taken for another most often."""
    names, matrix = metrics["confusion"]["classes"], metrics["confusion"]["matrix"]
    pairs = [
        (count, truth, found)
        for truth, row in enumerate(matrix[:-1])
        for found, count in enumerate(row[:-1])
        if count and truth != found
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
    rows = [
        [names[truth], names[found], str(count), f"{count / sum(matrix[truth]):.1%}"]
        for count, truth, found in pairs[:_CONFUSIONS]
    ]
    text = "True boxes found only as another class, and their share of the class's boxes"
    text += f"; the {len(rows)} most frequent of {len(pairs)} pairs." if pairs[len(rows) :] else "."
    return ReportSection(
        "Confusion",
        text if rows else "No true box was found only as another class.",
        ["truth", "found as", "boxes", "share"],
        rows,
    )


def markdown(metrics: dict, title: str, facts: dict[str, str]) -> str:
    """The report as Markdown.

    Args:
      metrics: of `analysis.analyse`.
      title: one line.
      facts: name -> text, what was evaluated on what.
    """
    lines = [f"# {_plain(title)}", ""]
    lines += [f"- {_plain(name)}: {_plain(text)}" for name, text in facts.items()]
    lines += [f"- warning: {text}" for text in warnings(metrics)]
    for section in (figures_section(metrics), *sections(metrics)):
        lines += ["", f"## {section.heading}", ""]
        lines += [section.text, ""] if section.text else []
        if section.rows:
            total = [section.total] if section.total else []
            lines += markdown_table(section.titles, [*total, *section.rows], _plain)
    return "\n".join([*lines, ""])


def write_metrics(metrics: dict, path) -> None:
    """Writes the metrics as JSON, whole or not at all; missing figures are null."""
    text = json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def shown(value) -> str:
    """A cell of a table; "-" where there is no value."""
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\|*`])", r"\\\1", html.escape(text, quote=False))
