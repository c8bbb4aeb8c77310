"""The report of an evaluation: a folder with figures, tables, images and one page of it all.

An image is shown with its truths and, beside them, what was found there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from yolo_tf.data.records.open_records import Records
from yolo_tf.evaluate.analysis import RECALLS, THRESHOLDS, Analysis, analyse
from yolo_tf.evaluate.html import ReportImage, page
from yolo_tf.evaluate.mistakes import KINDS
from yolo_tf.evaluate.report import markdown, write_metrics
from yolo_tf.evaluate.run import detect_records, records_dataset
from yolo_tf.files import write_text
from yolo_tf.visualize.album import draw_labelled
from yolo_tf.visualize.draw import encode_image, mosaic, to_uint8, write_image
from yolo_tf.visualize.evaluation_plots import Panel, draw_confusion, draw_curves

_WORST = 6  # images of each kind of mistake
_FIRST = 8  # images whatever is in them
_LONGEST_SIDE = 480  # pixels of an image; small ones are enlarged
_COLUMNS = ("image", "placement", "original_size")


@dataclass(frozen=True)
class Example:
    """An image twice, with its truths and with its detections."""

    source_id: str
    mistakes: int  # of the kind that it is shown for, of all kinds without one
    images: tuple[np.ndarray, np.ndarray]  # [H, W, 3] uint8


def draw_examples(analysis: Analysis, dataset: Iterable[dict]) -> dict[str, list[Example]]:
    """The first images under "", and under each of `KINDS` those with most mistakes of it.

    Boxes that are no mistakes of the kind are grey where there are mistakes of it.

    Args:
      dataset: the batches of `analysis.found`, once more.
    """
    chosen = {"": list(range(min(_FIRST, analysis.found.images)))}
    chosen |= {kind: analysis.worst_images(kind, _WORST) for kind in KINDS}
    counts = analysis.mistakes.by_image(analysis.found.truths, analysis.found.images)
    counts[""] = sum(counts.values())
    parts = _parts(dataset, {image for images in chosen.values() for image in images})
    return {
        kind: [
            Example(source_id, int(counts[kind][image]), _draw(analysis, image, *part, kind))
            for image in images
            for source_id, *part in [parts[image]]
        ]
        for kind, images in chosen.items()
    }


def _parts(dataset, wanted: set[int]) -> dict[int, tuple]:
    """Number of an image in the set -> (its source id, pixels [H, W, 3] uint8, original size)."""
    parts, number = {}, 0
    for batch in dataset:
        for row in range(len(batch["placement"])):
            if number in wanted:
                source_id = batch["source_id"][row].numpy().decode(errors="replace")
                pixels, placement, size = (batch[key][row].numpy() for key in _COLUMNS)
                parts[number] = (source_id, _original(pixels, placement, size), size)
            number += 1
        if len(parts) == len(wanted):
            break
    return parts


def _original(pixels: np.ndarray, placement: np.ndarray, size: np.ndarray) -> np.ndarray:
    """A network's input, or the part of it that is the image, in the image's own shape."""
    height, width = pixels.shape[:2]
    top, left, bottom, right = np.round(placement * np.tile((height, width), 2)).astype(int)
    top, left = np.clip((top, left), 0, (height - 1, width - 1))
    part = pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    shape = np.maximum(np.round(size * (_LONGEST_SIDE / size.max())), 1).astype(int)
    image = Image.fromarray(to_uint8(part))
    return np.asarray(image.resize(tuple(shape[::-1].tolist()), Image.Resampling.BILINEAR))


def _draw(analysis: Analysis, image: int, part: np.ndarray, size, kind: str) -> tuple:
    truths, mistakes = analysis.found.truths, analysis.mistakes
    in_truths, in_found = truths.image == image, mistakes.detections.image == image
    bold_truths, bold_found = in_truths, in_found
    if kind == "missed":
        bold_truths = in_truths & mistakes.missed
    elif kind:
        bold_found = in_found & mistakes.detections_of(kind)
    images = []
    for boxes, bold, every in (
        (truths, bold_truths, in_truths),
        (mistakes.detections, bold_found, in_found),
    ):
        scores = getattr(boxes, "scores", None)
        places = boxes.boxes / np.tile(size, 2)
        images.append(
            draw_labelled(
                part,
                places[bold],
                boxes.label[bold],
                scores if scores is None else scores[bold],
                analysis.class_names,
                places[every & ~bold],
            )
        )
    return tuple(images)


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
    detector, name: str, records: Records, batch_size: int, output: Path
) -> dict:
    """Scores a detector on records and writes the report; see `write_report`.

    Args:
      name: of the model, for the title.
      Others as in `run.detect_records`, with its errors.

    Returns:
      The metrics of `analysis.analyse`.
    """
    found = detect_records(detector, records, batch_size)
    analysis = analyse(found, detector.class_names)
    height, width = detector.input_size
    facts = {
        "model": name,
        "data": records.pattern,
        "network input": f"{height} x {width} (height x width), {detector.resize_method}",
        "suppression": f"{detector.nms.kind}, IoU {detector.nms.iou_threshold:g},"
        f" scores above {detector.nms.score_threshold:g},"
        f" at most {detector.nms.max_detections} detections an image",
    }
    dataset = records_dataset(detector, records, batch_size)
    write_report(analysis, facts, dataset, output)
    return analysis.metrics


def write_report(analysis: Analysis, facts: dict[str, str], dataset, output: Path) -> None:
    """Writes the report.

    OUTPUT gets metrics.json, metrics.md, four plots of curves, confusion.png,
    truth_and_predictions.jpg, an image for each kind of mistake that there is, and report.html,
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
    images = {
        "Thresholds": _draw_curves(analysis, output),
        "Confusion": [_draw_confusion(analysis, output)],
    }
    for kind, found in examples.items():
        heading = f"Most mistakes: {kind}" if kind else "Truth and predictions"
        file = output / f"{(kind or heading).lower().replace(' ', '_')}.jpg"
        if found:
            write_image(file, mosaic([p for e in found for p in e.images], 4, _LONGEST))
            images[heading] = [_page_image(example, kind) for example in found]
        else:
            file.unlink(missing_ok=True)  # of an earlier report
    title = f"Evaluation of {facts['model']}"
    write_metrics(analysis.metrics, output / "metrics.json")
    write_text(output / "metrics.md", markdown(analysis.metrics, title, facts))
    write_text(output / "report.html", page(analysis.metrics, title, facts, images))


def _draw_curves(analysis: Analysis, output: Path) -> list[ReportImage]:
    curves, metrics = analysis.curves, analysis.metrics
    boxes = [row["boxes"] for row in metrics["per_class"]]
    images = []
    for file, (title, caption, name) in _CURVES.items():
        x_label, x = ("recall", RECALLS) if name == "envelope" else ("score threshold", THRESHOLDS)
        panel = Panel(title, x_label, x, getattr(curves, name), curves.mean(name))
        draw_curves(panel, analysis.class_names, boxes, metrics["threshold"], output / file)
        images.append(ReportImage(caption, ((output / file).read_bytes(),)))
    return images


def _draw_confusion(analysis: Analysis, output: Path) -> ReportImage:
    file = output / "confusion.png"
    left_out = draw_confusion(analysis.mistakes.confusion, analysis.class_names, file)
    caption = "truths by row, what was found by column; the colour is the share of the row"
    return ReportImage("; ".join(filter(None, [caption, left_out])), (file.read_bytes(),))


def _page_image(example: Example, kind: str) -> ReportImage:
    caption = f"{example.source_id}: {example.mistakes} {kind or 'mistakes'}"
    return ReportImage(caption, tuple(map(encode_image, example.images)))
