"""The report of an evaluation: a folder with figures, tables, pictures and one page of it all."""

from pathlib import Path

from yolo_tf.evaluate.analysis import Analysis, analyse
from yolo_tf.evaluate.curves import RECALLS, THRESHOLDS
from yolo_tf.evaluate.examples import Example, draw_examples
from yolo_tf.evaluate.html import Picture, page
from yolo_tf.evaluate.report import markdown, write_metrics
from yolo_tf.evaluate.run import detect_records, records_dataset
from yolo_tf.files import write_text
from yolo_tf.visualize.draw import encode_picture, mosaic, write_picture
from yolo_tf.visualize.evaluation_plots import Panel, draw_confusion, draw_curves

_LONGEST = 480  # pixels of an image on a sheet
# File -> (title, caption, curve of `Curves`).
_CURVES = {
    "pr_curve.png": (
        "precision by recall",
        "Precision that is left when so much is found; the area under a line is the class's AP50.",
        "envelope",
    ),
    "f1_curve.png": ("F1 by score", "The best threshold is where the line is highest.", "f1"),
    "precision_curve.png": (
        "precision by score",
        "Share of what is shown that is right; no line where nothing is shown.",
        "precision",
    ),
    "recall_curve.png": ("recall by score", "Share of the true boxes that is found.", "recall"),
}


def evaluate_and_report(
    detector, name: str, pattern: str, batch_size: int, output: Path, labels: str = ""
) -> dict:
    """Scores a detector on records and writes the report; see `write_report`.

    Args:
      name: of the model, for the title.
      Others as in `run.detect_records`, with its errors.

    Returns:
      The metrics of `analysis.analyse`.
    """
    found = detect_records(detector, pattern, batch_size, labels)
    analysis = analyse(found, detector.class_names)
    height, width = detector.input_size
    facts = {
        "model": name,
        "data": pattern,
        "network input": f"{height} x {width} (height x width), {detector.resize_method}",
        "suppression": f"{detector.nms.kind}, IoU {detector.nms.iou_threshold:g},"
        f" scores above {detector.nms.score_threshold:g},"
        f" at most {detector.nms.max_detections} detections an image",
    }
    dataset = records_dataset(detector, pattern, batch_size, labels)
    write_report(analysis, facts, dataset, output)
    return analysis.metrics


def write_report(analysis: Analysis, facts: dict[str, str], dataset, output: Path) -> None:
    """Writes the report.

    OUTPUT gets metrics.json, metrics.md, four pictures of curves, confusion.png,
    truth_and_predictions.jpg, a picture for each kind of mistake that there is, and report.html,
    which holds them all. The metrics get "worst", the images with most mistakes of each kind.

    Args:
      facts: name -> text, what was evaluated on what; "model" is in the title.
      dataset: the batches of `run.records_dataset` with the images of `analysis.found`.
      output: an existing folder.
    """
    examples = draw_examples(analysis, dataset)
    analysis.metrics["worst"] = {
        kind: [{"image": e.source_id, "mistakes": e.mistakes} for e in found]
        for kind, found in examples.items()
        if kind
    }
    pictures = {
        "Thresholds": _draw_curves(analysis, output),
        "Confusion": [_draw_confusion(analysis, output)],
    }
    for kind, found in examples.items():
        heading = f"Most mistakes: {kind}" if kind else "Truth and predictions"
        file = output / f"{(kind or heading).lower().replace(' ', '_')}.jpg"
        if found:
            write_picture(file, mosaic([p for e in found for p in e.pictures], 4, _LONGEST))
            pictures[heading] = [_page_picture(example, kind) for example in found]
        else:
            file.unlink(missing_ok=True)  # of an earlier report
    title = f"Evaluation of {facts['model']}"
    write_metrics(analysis.metrics, output / "metrics.json")
    write_text(output / "metrics.md", markdown(analysis.metrics, title, facts))
    write_text(output / "report.html", page(analysis.metrics, title, facts, pictures))


def _draw_curves(analysis: Analysis, output: Path) -> list[Picture]:
    curves, metrics = analysis.curves, analysis.metrics
    boxes = [row["boxes"] for row in metrics["per_class"]]
    pictures = []
    for file, (title, caption, name) in _CURVES.items():
        x_label, x = ("recall", RECALLS) if name == "envelope" else ("score threshold", THRESHOLDS)
        panel = Panel(title, x_label, x, getattr(curves, name), curves.mean(name))
        draw_curves(panel, analysis.class_names, boxes, metrics["threshold"], output / file)
        pictures.append(Picture(caption, ((output / file).read_bytes(),)))
    return pictures


def _draw_confusion(analysis: Analysis, output: Path) -> Picture:
    file = output / "confusion.png"
    left_out = draw_confusion(analysis.mistakes.confusion, analysis.class_names, file)
    caption = "truths by row, what was found by column; the colour is the share of the row"
    return Picture("; ".join(filter(None, [caption, left_out])), (file.read_bytes(),))


def _page_picture(example: Example, kind: str) -> Picture:
    caption = f"{example.source_id}: {example.mistakes} {kind or 'mistakes'}"
    return Picture(caption, tuple(map(encode_picture, example.pictures)))
