"""What lies behind the figures: curves by score, mistakes by kind, the worst images."""

from dataclasses import dataclass

import numpy as np

from yolo_tf.evaluate.curves import THRESHOLDS, Curves, best_threshold, class_curves
from yolo_tf.evaluate.evaluator import Findings, figures, or_none
from yolo_tf.evaluate.matching import match_by_class
from yolo_tf.evaluate.mistakes import Mistakes, find_mistakes

_SCORES = (0.05, 0.1, 0.25, 0.5, 0.75)  # of the table of thresholds


@dataclass(frozen=True)
class Analysis:
    """Of one evaluation."""

    found: Findings
    class_names: list[str]
    metrics: dict  # as JSON has them, see `analyse`
    curves: Curves
    mistakes: Mistakes

    def worst_images(self, kind: str, most: int) -> list[int]:
        """The images with most mistakes of a kind, the worst first."""
        counts = self.mistakes.by_image(self.found.truths, self.found.images)[kind]
        order = np.argsort(-counts, kind="stable")[:most]
        return order[counts[order] > 0].tolist()


def analyse(found: Findings, class_names: list[str]) -> Analysis:
    """Judges all detections.

    The metrics are those of `evaluator.figures` and: "threshold", the score with the highest mean
    F1 of the classes at IoU 0.5; "P", "R", "F1", the means there; "thresholds", a list of {"score",
    "P", "R", "F1"} at some others, too; "mistakes" at the threshold, name -> count; "confusion"
    there, {"classes", "matrix"}, truths by row; and for each class "P", "R" at the threshold, "F1",
    its own highest one, and "F1_threshold", where it has that.
    """
    truths, detections, classes = found.truths, found.detections, len(class_names)
    matches = match_by_class(truths, detections)
    curves = class_curves(truths, detections, matches, classes)
    threshold = curves.threshold()
    mistakes = find_mistakes(truths, detections, classes, threshold)
    metrics = figures(found, class_names)
    at = _place(threshold)
    for index, row in enumerate(metrics["per_class"]):
        f1 = curves.f1[index]
        known = np.isfinite(f1).any()
        row["P"], row["R"] = or_none(curves.precision[index, at]), or_none(curves.recall[index, at])
        row["F1"] = or_none(np.nanmax(f1)) if known else None
        row["F1_threshold"] = best_threshold(f1) if row["F1"] else None
    metrics["threshold"] = threshold
    places = sorted({at, *map(_place, _SCORES)})
    metrics["thresholds"] = [{"score": float(THRESHOLDS[n]), **_means(curves, n)} for n in places]
    metrics |= _means(curves, at)
    metrics["mistakes"] = mistakes.counts()
    names = [*class_names, "background"]
    metrics["confusion"] = {"classes": names, "matrix": mistakes.confusion.tolist()}
    return Analysis(found, class_names, metrics, curves, mistakes)


def _means(curves: Curves, place: int) -> dict:
    """Means over the classes at one of THRESHOLDS."""
    columns = {"P": "precision", "R": "recall", "F1": "f1"}
    return {key: or_none(curves.mean(name)[place]) for key, name in columns.items()}


def _place(score: float) -> int:
    return int(np.argmin(abs(THRESHOLDS - score)))
