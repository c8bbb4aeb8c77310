"""How well a set of anchors fits the boxes of a data set (algorithms.md 7)."""

import numpy as np

_BLOCK = 65536  # boxes at a time, so that a large data set needs little memory
MAX_RATIO = 4.0  # side ratio up to which an anchor can answer for a box: the rule of YOLOv5


def avg_best_iou(wh: np.ndarray, anchors: np.ndarray) -> float:
    """Mean over boxes of the IoU with the best anchor, both concentric; 0..1, NaN without boxes.

    Args:
      wh: [N, 2] (width, height), in the unit of the anchors.
      anchors: [A, 2] (width, height).
    """
    return _mean(best_iou(wh, anchors))


def bpr(wh: np.ndarray, anchors: np.ndarray, max_ratio: float = MAX_RATIO) -> float:
    """Best possible recall: the share of boxes that at least one anchor can answer for.

    An anchor can if both its sides differ from the box's by a factor below `max_ratio` either
    way, the rule of YOLOv5. 0..1, NaN without boxes. Arguments as in `avg_best_iou`.
    """
    return _mean(reachable(wh, anchors, max_ratio))


def best_iou(wh: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """[N] float64: IoU of each box with its best anchor. Arguments as in `avg_best_iou`."""
    return _best(wh, anchors, lambda boxes, anchors: _size_iou(boxes, anchors).max(axis=1))


def best_anchor(wh: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """[N] int64: the anchor that each box overlaps most, the first of equals."""
    best = _best(wh, anchors, lambda boxes, anchors: _size_iou(boxes, anchors).argmax(axis=1))
    return best.astype(np.int64)


def reachable(wh: np.ndarray, anchors: np.ndarray, max_ratio: float = MAX_RATIO) -> np.ndarray:
    """[N] bool: whether an anchor can answer for the box, see `bpr`."""
    best = _best(wh, anchors, lambda boxes, anchors: _side_ratio(boxes, anchors).min(axis=1))
    return best < max_ratio


def _best(wh, anchors, score) -> np.ndarray:
    """`score` of each box, [N], block by block."""
    wh, anchors = np.asarray(wh, np.float64), np.asarray(anchors, np.float64)
    blocks = [score(wh[i : i + _BLOCK], anchors) for i in range(0, len(wh), _BLOCK)]
    return np.concatenate(blocks) if blocks else np.zeros(0)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _size_iou(wh, anchors):
    """[N, A] IoU of concentric boxes; 0 for a box without area."""
    intersection = np.minimum(wh[:, None], anchors).prod(axis=2)
    union = wh.prod(axis=1)[:, None] + anchors.prod(axis=1) - intersection
    return intersection / np.maximum(union, np.finfo(np.float64).tiny)


def _side_ratio(wh, anchors):
    """[N, A] the larger of the ratios of widths and of heights, at least 1."""
    ratio = np.maximum(wh[:, None], 1e-9) / anchors
    return np.maximum(ratio, 1.0 / ratio).max(axis=2)
