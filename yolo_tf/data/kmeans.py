"""Anchors from the boxes of a data set, by k-means with the distance 1 - IoU (SPEC 7).

Source: J. Redmon, A. Farhadi 2016, arXiv:1612.08242, section 2. As in Darknet's calc_anchors the
start is k distinct boxes, a centre is the mean of its boxes, and a centre without boxes stays.
"""

import numpy as np

from yolo_tf.data.anchors import avg_best_iou
from yolo_tf.errors import UserError

UPDATES = ("mean", "median")  # of a cluster's boxes, which becomes its centre
_BLOCK = 4096  # boxes at a time: what a processor's cache holds
# The starts are compared on so many boxes at most; the best one goes on with all of them.
_SAMPLE = 20_000
_FEW = 30  # steps for all boxes, from where the sample ended
_STILL = 1e-4  # a run ends when no centre moves by more than this share of its size


def fit_anchors(
    wh: np.ndarray,
    k: int,
    seed: int = 0,
    restarts: int = 10,
    updates: tuple[str, ...] = UPDATES,
) -> np.ndarray:
    """The best by average best IoU of several runs of `kmeans`; the same for the same arguments.

    Args:
      wh: [N, 2] (width, height) of boxes with an area, in any unit.
      k: number of anchors.
      seed: of the starts.
      restarts: runs with each of `updates`, at least 1.
      updates: some of "mean", "median". The mean is Darknet's; where a few boxes are much larger
        than the others of their cluster the median fits better.

    Returns:
      [k, 2] float64 (width, height), by ascending area.

    Raises:
      UserError: fewer than k distinct boxes, or a setting out of range.
    """
    wh = _check(wh, k, updates)
    if restarts < 1:
        raise UserError(f"restarts: found {restarts}, expected at least 1")
    sample = wh
    if len(wh) > _SAMPLE:
        chosen = np.random.default_rng(seed).choice(len(wh), _SAMPLE, replace=False)
        sample = wh[np.sort(chosen)]
        sample = sample if len(np.unique(sample, axis=0)) >= k else wh
    runs = [
        (kmeans(sample, k, [seed, run], update), update)
        for run in range(restarts)
        for update in updates
    ]
    best, update = max(runs, key=lambda run: avg_best_iou(sample, run[0]))
    return best if sample is wh else _iterate(wh, best, update, _FEW)


def kmeans(wh: np.ndarray, k: int, seed=0, update: str = "mean") -> np.ndarray:
    """One run, from k distinct boxes drawn by `seed`. Arguments and result as in `fit_anchors`."""
    wh = _check(wh, k, (update,))
    distinct, counts = np.unique(wh, axis=0, return_counts=True)
    # A size that many boxes have is drawn more often, as if a box were drawn and repeats put back.
    order = np.random.default_rng(seed).choice(
        len(distinct), k, replace=False, p=counts / counts.sum()
    )
    return _iterate(wh, distinct[order], update)


def _check(wh, k, updates) -> np.ndarray:
    wh = np.asarray(wh, np.float64).reshape(-1, 2)
    if not updates or not set(updates) <= set(UPDATES):
        raise UserError(f"updates: found {updates!r}, expected some of {', '.join(UPDATES)}")
    if k < 1:
        raise UserError(f"number of anchors: found {k}, expected at least 1")
    if not np.isfinite(wh).all() or (wh <= 0).any():
        raise ValueError("wh: expected positive finite sizes")
    if len(wh) < k or len(np.unique(wh, axis=0)) < k:
        found = len(np.unique(wh, axis=0))
        raise UserError(f"found {found} distinct box sizes, expected at least {k} for {k} anchors")
    return wh


def _iterate(wh: np.ndarray, centres: np.ndarray, update: str, most: int = 1000) -> np.ndarray:
    """Moves the centres until they stay where they are, or `most` times."""
    width, height = np.ascontiguousarray(wh.T)
    for _ in range(most):
        previous = centres
        centres = _moved(width, height, _nearest(width, height, centres), centres, update)
        if (np.abs(centres - previous) <= _STILL * previous).all():
            break
    return centres[np.lexsort((centres[:, 0], centres.prod(axis=1)))]


def _nearest(width, height, centres) -> np.ndarray:
    """[N] int: the centre with the greatest IoU, the first of equals."""
    nearest = np.empty(len(width), np.int64)
    areas = centres.prod(axis=1)[:, None]
    for start in range(0, len(width), _BLOCK):
        block = slice(start, start + _BLOCK)
        w, h = width[block], height[block]
        iou = np.minimum(w, centres[:, :1])
        iou *= np.minimum(h, centres[:, 1:])
        iou /= w * h + areas - iou
        nearest[block] = iou.argmax(axis=0)
    return nearest


def _moved(width, height, nearest, centres, update) -> np.ndarray:
    """The new centres; one without boxes stays where it is."""
    k = len(centres)
    counts = np.bincount(nearest, minlength=k)
    if update == "mean":
        sums = [np.bincount(nearest, weights=side, minlength=k) for side in (width, height)]
        new = np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]
        return np.where(counts[:, None] > 0, new, centres)
    new = centres.copy()
    for index in np.flatnonzero(counts):
        own = nearest == index
        new[index] = np.median(width[own]), np.median(height[own])
    return new
