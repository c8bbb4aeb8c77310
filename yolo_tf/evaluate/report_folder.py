"""The report of an evaluation: a folder with figures, tables, pictures and one page of it all."""

from pathlib import Path

import numpy as np

from yolo_tf.evaluate.analysis import Analysis, analyse
from yolo_tf.evaluate.curves import RECALLS, THRESHOLDS
from yolo_tf.evaluate.html import page
from yolo_tf.evaluate.mistakes import KINDS
from yolo_tf.evaluate.report import markdown, write_metrics
from yolo_tf.evaluate.run import detect_records, records_dataset
from yolo_tf.files import write_text
from yolo_tf.visualize.draw import draw_detections, mosaic, to_uint8, write_picture
from yolo_tf.visualize.evaluation_plots import draw_confusion, draw_curves

_WORST = 6  # images of each kind of mistake
_FIRST = 8  # images with truths and detections


def evaluate_and_report(
    detector, name: str, pattern: str, batch_size: int, output: Path, labels: str = ""
) -> dict:
    """Scores a detector on records and writes the report.

    OUTPUT gets metrics.json, metrics.md, curves.png, confusion.png, truth_and_predictions.jpg, a
    picture for each kind of mistake that there is, and report.html, which holds them all.

    Args:
      name: of the model, for the title.
      output: an existing folder.
      Others as in `run.detect_records`, with its errors.

    Returns:
      The metrics of `analysis.analyse`.
    """
    found = detect_records(detector, pattern, batch_size, labels)
    analysis = analyse(found, detector.class_names)
    dataset = records_dataset(detector, pattern, batch_size, labels)
    pictures = _draw(analysis, dataset, output)
    title = f"{name} on {pattern}"
    height, width = detector.input_size
    facts = {
        "model": name,
        "data": pattern,
        "network input": f"{height} x {width} (height x width), {detector.resize_method}",
        "suppression": f"{detector.nms.kind}, IoU {detector.nms.iou_threshold:g},"
        f" scores above {detector.nms.score_threshold:g},"
        f" at most {detector.nms.max_detections} detections an image",
    }
    write_metrics(analysis.metrics, output / "metrics.json")
    write_text(output / "metrics.md", markdown(analysis.metrics, title))
    write_text(output / "report.html", page(analysis.metrics, title, facts, pictures))
    return analysis.metrics


def _draw(analysis: Analysis, dataset, output: Path) -> dict[str, tuple[str, Path]]:
    """Heading -> (caption, file) of all pictures."""
    names, curves = analysis.class_names, analysis.curves
    threshold = analysis.metrics["threshold"]
    panels = {
        "precision by recall": ("recall", RECALLS, curves.envelope),
        "F1": ("score threshold", THRESHOLDS, curves.f1),
        "precision": ("score threshold", THRESHOLDS, curves.precision),
        "recall": ("score threshold", THRESHOLDS, curves.recall),
    }
    draw_curves(panels, names, threshold, output / "curves.png")
    draw_confusion(analysis.mistakes.confusion, names, output / "confusion.png")
    of_kind = {kind: analysis.worst_images(kind, _WORST) for kind in KINDS}
    first = list(range(min(_FIRST, analysis.found.images)))
    wanted = {*first, *(image for images in of_kind.values() for image in images)}
    images = _collect_images(dataset, wanted)
    pictures = {
        "Curves": ("at IoU 0.5; the dotted line is the threshold", output / "curves.png"),
        "Confusion": ("truths by row, what was found by column", output / "confusion.png"),
    }
    sheets = {"Truth and predictions": first} | {
        f"Most mistakes: {kind}": of_kind[kind] for kind in KINDS if of_kind[kind]
    }
    for heading, chosen in sheets.items():
        file = output / f"{heading.rpartition(': ')[2].lower().replace(' ', '_')}.jpg"
        pairs = [p for image in chosen for p in _pair(analysis, image, images[image])]
        write_picture(file, mosaic(pairs, columns=4, largest=480))
        caption = f"each image with its truths, then with what scores {threshold:.3f} or more"
        pictures[heading] = (caption, file)
    return pictures


def _collect_images(dataset, wanted: set[int]) -> dict[int, tuple]:
    """Number of an image in the set -> (pixels [H, W, 3] uint8, window, size of the photo)."""
    found, number = {}, 0
    for batch in dataset:
        for row in range(len(batch["window"])):
            if number in wanted:
                pixels = to_uint8(batch["image"][row].numpy())
                columns = (batch[key][row].numpy() for key in ("window", "original_size"))
                found[number] = (pixels, *columns)
            number += 1
        if len(found) == len(wanted):
            break
    return found


def _pair(analysis: Analysis, image: int, picture: tuple) -> list[np.ndarray]:
    """The photo, as the network saw it, with its truths and with its detections."""
    pixels, window, size = picture
    top, left, bottom, right = np.round(window * np.tile(pixels.shape[:2], 2)).astype(int)
    photo = pixels[max(top, 0) : bottom, max(left, 0) : right]
    truths, detections = analysis.found.truths, analysis.mistakes.detections
    of_truth, of_found = truths.image == image, detections.image == image
    scale = np.tile(size, 2)
    rows = [
        (truths.boxes[of_truth] / scale, truths.label[of_truth], None),
        (
            detections.boxes[of_found] / scale,
            detections.label[of_found],
            detections.scores[of_found],
        ),
    ]
    return [draw_detections(photo, *row, analysis.class_names) for row in rows]
