"""Average precision as in PASCAL VOC, for all classes at once."""

import numpy as np

from yolo_tf.evaluate.matching import match_by_class
from yolo_tf.evaluate.records import Detections, Truths


def voc_ap(
    truths: Truths,
    detections: Detections,
    classes: int,
    iou_threshold: float = 0.5,
    ignored: np.ndarray | None = None,
    plus_one: bool = False,
) -> np.ndarray:
    """Average precision of each class by the rules of the VOC development kit.

    Args:
      classes: number of classes.
      Others as in `matching.match_by_class`, which tells the rules.

    Returns:
      [classes, 2] float64, 0..1: mean of the best precision at recall >= 0, 0.1 .. 1 (VOC2007),
      and area under the precision envelope (VOC2010 and later); NaN for a class without positive.
    """
    ignored = truths.difficult | truths.crowd if ignored is None else ignored
    matches = match_by_class(truths, detections, iou_threshold, ignored, plus_one)
    label = detections.label[matches.order]
    positives = np.bincount(truths.label[~ignored], minlength=classes)
    result = np.full([classes, 2], np.nan)
    for index in np.flatnonzero(positives):
        right = matches.right[matches.counts & (label == index)]
        result[index] = _average_precision(right, positives[index])
    return result


def _average_precision(right: np.ndarray, positives: int) -> tuple[float, float]:
    """11-point and area AP of a class; `right` [D] bool by falling score."""
    found = np.cumsum(right)
    precision = found / np.arange(1, len(right) + 1)
    # The envelope: the best precision at this recall or a higher one.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    # Recall >= k / 10 in whole numbers: 3 of 10 must not fail at 0.30000000000000004.
    reached = np.searchsorted(10 * found, np.arange(11) * positives, side="left")
    eleven = np.append(envelope, 0.0)[reached].mean()
    # Recall rises by 1 / positives at each right detection, and nowhere else.
    return eleven, envelope[right].sum() / positives
