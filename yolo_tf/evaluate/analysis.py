"""What lies behind the figures: precision, recall and F1 by score, mistakes, the worst images."""

from dataclasses import dataclass

import numpy as np

from yolo_tf.evaluate.evaluator import TruthsAndDetections, figures, or_none
from yolo_tf.evaluate.matching import (
    DetectionArrays,
    DetectionMatches,
    Truths,
    in_crowd,
    match_by_class,
)
from yolo_tf.evaluate.mistakes import Mistakes, find_mistakes

THRESHOLDS = np.linspace(0, 1, 201)
RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Curves:
    """Of C classes at IoU 0.5; rows of classes without a truth are NaN."""

    precision: np.ndarray  # [C, T] at THRESHOLDS; NaN where nothing scores as much
    recall: np.ndarray  # [C, T]
    f1: np.ndarray  # [C, T]
    envelope: np.ndarray  # [C, R], the best precision at each of RECALLS or a higher recall

    def threshold(self) -> float:
        """The score threshold with the highest mean F1 of all classes, one of THRESHOLDS."""
        return best_threshold(self.mean("f1"))

    def mean(self, name: str) -> np.ndarray:
        """[T] or [R], of "precision" and so on: mean of the classes that have a value there."""
        rows = getattr(self, name)
        count = np.isfinite(rows).sum(axis=0)
        return np.where(count, np.nansum(rows, axis=0) / np.maximum(count, 1), np.nan)


def best_threshold(f1: np.ndarray) -> float:
    """The one of THRESHOLDS with the highest F1 of a curve [T]; NaN counts as 0."""
    f1 = np.nan_to_num(f1)
    best = np.flatnonzero(f1 >= f1.max() - 1e-9)
    # In the middle of the longest plateau: there a new set most likely has its best, too.
    plateaus = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    longest = max(plateaus, key=len)
    return float(THRESHOLDS[longest[len(longest) // 2]])


def class_curves(
    truths: Truths, detections: DetectionArrays, matches: DetectionMatches, classes: int
) -> Curves:
    """The curves of each class. What is wrong, but in a crowd, counts neither way, as in COCO.

    Args:
      matches: of `match_by_class` on these truths and detections.
      classes: number of classes.
    """
    ignored = truths.difficult | truths.crowd
    positives = np.bincount(truths.label[~ignored], minlength=classes)
    shape = [classes, len(THRESHOLDS)]
    precision, recall, f1 = (np.full(shape, np.nan) for _ in range(3))
    envelope = np.full([classes, len(RECALLS)], np.nan)
    label, scores = detections.label[matches.order], detections.scores[matches.order]
    counts = matches.counts & (matches.right | ~in_crowd(truths, detections)[matches.order])
    for index in np.flatnonzero(positives):
        own = counts & (label == index)
        found = np.append(0, np.cumsum(matches.right[own]))
        # How many of the class score at least each threshold; scores fall, so search their mirror.
        shown = np.searchsorted(-scores[own], -THRESHOLDS, side="right")
        hits = found[shown]
        with np.errstate(invalid="ignore"):
            precision[index] = hits / shown
        recall[index] = hits / positives[index]
        f1[index] = 2 * hits / (shown + positives[index])
        envelope[index] = _envelope(found, positives[index])
    return Curves(precision, recall, f1, envelope)


def _envelope(found, positives) -> np.ndarray:
    precision = found[1:] / np.arange(1, len(found))
    best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    reached = np.searchsorted(found[1:], RECALLS * positives - 1e-9, side="left")
    return best[reached]


_SCORES = (0.05, 0.1, 0.25, 0.5, 0.75)  # of the table of thresholds


@dataclass(frozen=True)
class Analysis:
    """Of one evaluation."""

    found: TruthsAndDetections
    class_names: list[str]
    metrics: dict  # as JSON has them, see `analyse`
    curves: Curves
    mistakes: Mistakes

    def worst_images(self, kind: str, most: int) -> list[int]:
        """The images with most mistakes of a kind, the worst first."""
        counts = self.mistakes.by_image(self.found.truths, self.found.images)[kind]
        order = np.argsort(-counts, kind="stable")[:most]
        return order[counts[order] > 0].tolist()


def analyse(found: TruthsAndDetections, class_names: list[str]) -> Analysis:
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
