"""Precision, recall and F1 by score threshold, for each class."""

from dataclasses import dataclass

import numpy as np

from yolo_tf.evaluate.matching import Matches
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
        """The score threshold with the highest mean F1 of all classes."""
        mean = np.nanmean(self.f1, axis=0) if np.isfinite(self.f1).any() else np.zeros(1)
        # In the middle of a plateau, where a new set is most likely to have its best, too.
        return float(THRESHOLDS[np.flatnonzero(mean >= mean.max() - 1e-9)].mean())


def class_curves(truths: Truths, detections: Detections, matches: Matches, classes: int) -> Curves:
    """The curves of each class.

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
    for index in np.flatnonzero(positives):
        own = matches.counts & (label == index)
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
