"""How well a set of anchors fits the boxes of a data set (SPEC 7)."""

import numpy as np

_BLOCK = 65536  # boxes at a time, so that a large data set needs little memory


def avg_best_iou(wh: np.ndarray, anchors: np.ndarray) -> float:
    """Mean over boxes of the IoU with the best anchor, both concentric; 0..1, NaN without boxes.

    Args:
      wh: [N, 2] (width, height), in the unit of the anchors.
      anchors: [A, 2] (width, height).
    """
    return _mean_best(wh, anchors, _size_iou)


def bpr(wh: np.ndarray, anchors: np.ndarray, max_ratio: float = 4.0) -> float:
    """Best possible recall: the share of boxes that at least one anchor can answer for.

    An anchor can if both its sides differ from the box's by a factor below `max_ratio` either
    way, the rule of YOLOv5. 0..1, NaN without boxes. Arguments as in `avg_best_iou`.
    """
    return _mean_best(wh, anchors, lambda w, a: (_side_ratio(w, a) < max_ratio).astype(np.float64))


def _mean_best(wh, anchors, score):
    wh, anchors = np.asarray(wh, np.float64), np.asarray(anchors, np.float64)
    if not len(wh):
        return float("nan")
    blocks = (wh[start : start + _BLOCK] for start in range(0, len(wh), _BLOCK))
    return sum(score(block, anchors).max(axis=1).sum() for block in blocks) / len(wh)


def _size_iou(wh, anchors):
    """[N, A] IoU of concentric boxes; 0 for a box without area."""
    intersection = np.minimum(wh[:, None], anchors).prod(axis=2)
    union = wh.prod(axis=1)[:, None] + anchors.prod(axis=1) - intersection
    return intersection / np.maximum(union, np.finfo(np.float64).tiny)


def _side_ratio(wh, anchors):
    """[N, A] the larger of the ratios of widths and of heights, at least 1."""
    ratio = np.maximum(wh[:, None], 1e-9) / anchors
    return np.maximum(ratio, 1.0 / ratio).max(axis=2)
