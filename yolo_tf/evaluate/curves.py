"""Precision, recall and F1 by score threshold, for each class."""

from dataclasses import dataclass

import numpy as np

from yolo_tf.evaluate.matching import Matches, in_crowd
from yolo_tf.evaluate.records import Detections, Truths

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


def class_curves(truths: Truths, detections: Detections, matches: Matches, classes: int) -> Curves:
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
