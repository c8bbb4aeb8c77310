"""Average precision as in PASCAL VOC, for all classes at once."""

import numpy as np

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

    Detections are taken by falling score. Each looks for the truth of its image and class with
    the highest IoU. If that IoU is greater than the threshold, the detection is right where the
    truth is still free and wrong where an earlier detection took it; with a lower IoU it is
    wrong. A detection whose truth is ignored counts neither way.

    Args:
      classes: number of classes.
      iou_threshold: a hit overlaps more than this.
      ignored: [N] bool, truths that are no positives; default: the difficult and the crowd ones.
      plus_one: width = xmax - xmin + 1, the kit's convention for corners that are pixels.

    Returns:
      [classes, 2] float64, 0..1: mean of the best precision at recall >= 0, 0.1 .. 1 (VOC2007),
      and area under the precision envelope (VOC2010 and later); NaN for a class without positive.
    """
    ignored = truths.difficult | truths.crowd if ignored is None else ignored
    order = np.argsort(-detections.scores, kind="stable")
    overlap, nearest = _best_truth(truths, detections, plus_one)
    overlap, nearest, label = overlap[order], nearest[order], detections.label[order]

    hit = overlap > iou_threshold
    first = np.zeros(len(order), bool)
    hits = np.flatnonzero(hit)
    first[hits[np.unique(nearest[hits], return_index=True)[1]]] = True
    counts = ~hit
    counts[hits] = ~ignored[nearest[hits]]

    positives = np.bincount(truths.label[~ignored], minlength=classes)
    result = np.full([classes, 2], np.nan)
    for index in np.flatnonzero(positives):
        right = first[counts & (label == index)]
        result[index] = _average_precision(right, positives[index])
    return result


def _best_truth(truths, detections, plus_one) -> tuple[np.ndarray, np.ndarray]:
    """For each detection the highest IoU with a truth of its image and class, and which it is.

    IoU -1 and truth -1 where there is none; among equals the first truth.
    """
    # Truths sorted by group = (class, image); each detection's partners are one run of them.
    groups = truths.image.max(initial=-1), detections.image.max(initial=-1)
    images = max(groups) + 1
    truth_group = truths.label.astype(np.int64) * images + truths.image
    by_group = np.argsort(truth_group, kind="stable")
    wanted = detections.label.astype(np.int64) * images + detections.image
    start = np.searchsorted(truth_group[by_group], wanted, side="left")
    length = np.searchsorted(truth_group[by_group], wanted, side="right") - start

    detection = np.repeat(np.arange(len(wanted)), length)
    run_start = np.cumsum(length) - length
    truth = by_group[np.arange(len(detection)) - np.repeat(run_start - start, length)]
    overlap = _iou(truths.boxes[truth], detections.boxes[detection], plus_one)

    best = np.full(len(wanted), -1.0)
    nearest = np.full(len(wanted), -1)
    order = np.lexsort([-overlap, detection])  # the runs keep their places, best pair first
    firsts = order[run_start[length > 0]]
    best[length > 0], nearest[length > 0] = overlap[firsts], truth[firsts]
    return best, nearest


def _iou(a: np.ndarray, b: np.ndarray, plus_one: bool) -> np.ndarray:
    """IoU of boxes [P, 4] with boxes [P, 4], float64; 0 where both are empty."""
    a, b, extra = a.astype(np.float64), b.astype(np.float64), float(plus_one)
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    common = np.prod(np.maximum(high - low + extra, 0), axis=1)
    area_a, area_b = (np.prod(box[:, 2:] - box[:, :2] + extra, axis=1) for box in (a, b))
    union = area_a + area_b - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


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
