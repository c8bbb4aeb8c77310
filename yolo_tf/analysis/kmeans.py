"""Anchors from the sizes of boxes, by k-means with the distance 1 - IoU (algorithms.md 7).

Source: J. Redmon, A. Farhadi 2016, arXiv:1612.08242, section 2. As in Darknet's calc_anchors the
start is k distinct boxes, a centre is the mean of its boxes, and a centre without boxes stays.
Neither mean nor median is the size that overlaps its boxes most, so `fit_anchors` ends with a
search for that one. Of few boxes it looks at blurred copies too, for anchors that also fit boxes
that are not there: a kernel density, B. W. Silverman 1986, whose rule gives the bandwidth.
"""

import numpy as np

from yolo_tf.data.records.anchors import avg_best_iou
from yolo_tf.errors import UserError
from yolo_tf.progress import Bar

UPDATES = ("mean", "median")  # of a cluster's boxes, which becomes its centre
_BLOCK = 4096  # boxes at a time: what a processor's cache holds
# The starts are compared on at most this many boxes; the best one continues with all of them.
_SAMPLE = 20_000
_STILL = 1e-4  # a run ends when no centre moves by more than this share of its size
_REFINED = 6  # of the runs, the best: their centres go through the last search
_BLURRED = 6000  # blurred copies, with fewer boxes than that
_NEARLY = 5e-4  # of average best IoU, which fitting the copies may cost
_BANDWIDTH = 0.3  # of them, as a share of Silverman's
_STEP, _LAST_STEP = 0.2, 1e-3  # of this search, shares of a centre's sides
# A centre stays, or grows and shrinks by a step in width, height, or both.
_MOVES = [(0, 0), *((w, h) for w in (-1, 0, 1) for h in (-1, 0, 1) if (w, h) != (0, 0))]


def fit_anchors(
    wh: np.ndarray,
    k: int,
    seed: int = 0,
    restarts: int = 10,
    updates: tuple[str, ...] = UPDATES,
    progress: bool = False,
) -> np.ndarray:
    """The best by average best IoU of several runs of `kmeans`, whose centres a search then moves
    to where they overlap their boxes most; the same for the same arguments.

    Args:
      wh: [N, 2] (width, height) of boxes with an area, in any unit.
      k: number of anchors.
      seed: of the starts.
      restarts: runs with each of `updates`, at least 1.
      updates: some of "mean", "median". The mean is Darknet's; where a few boxes are much larger
        than the others of their cluster the median fits better.
      progress: shows a bar.

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
    starts = [(run, update) for run in range(restarts) for update in updates]
    starts = Bar(starts, desc="fitting anchors", unit="start", leave=False, disable=not progress)
    runs = [kmeans(sample, k, [seed, run], update) for run, update in starts]
    runs.sort(key=lambda run: avg_best_iou(sample, run), reverse=True)
    blurred = _blurred(sample, seed)
    refined = [refine(boxes, run) for run in runs[:_REFINED] for boxes in (sample, blurred)]
    # Those that fit the boxes no worse than any start, and nearly best; of them what blurred ones
    # like.
    figures = [avg_best_iou(sample, centres) for centres in refined]
    least = max(avg_best_iou(sample, runs[0]), max(figures) - _NEARLY)
    pairs = zip(refined, figures, strict=True)
    fitting = [centres for centres, figure in pairs if figure >= least]
    best = max(fitting, key=lambda centres: avg_best_iou(blurred, centres))
    return best if sample is wh else refine(wh, best, _STEP / 8)


def kmeans(wh: np.ndarray, k: int, seed=0, update: str = "mean") -> np.ndarray:
    """One run, from k distinct boxes drawn by `seed`. Arguments and result as in `fit_anchors`."""
    wh = _check(wh, k, (update,))
    distinct, counts = np.unique(wh, axis=0, return_counts=True)
    # A size that many boxes have is drawn more often, as if a box were drawn and repeats put back.
    order = np.random.default_rng(seed).choice(
        len(distinct), k, replace=False, p=counts / counts.sum()
    )
    return _iterate(wh, distinct[order], update)


def _blurred(wh: np.ndarray, seed: int) -> np.ndarray:
    """[_BLURRED, 2] or a few less: copies of the boxes, each of slightly other sides."""
    if len(wh) >= _BLURRED:
        return wh
    copies = np.repeat(wh, _BLURRED // len(wh), axis=0)
    bandwidth = _BANDWIDTH * np.log(wh).std(axis=0) * len(wh) ** (-1 / 6)
    noise = np.random.default_rng([seed, len(wh)]).normal(size=copies.shape)
    return copies * np.exp(bandwidth * noise)


def refine(wh: np.ndarray, centres: np.ndarray, step: float = _STEP) -> np.ndarray:
    """Centres from which no small step makes the average best IoU greater.

    In turn each box goes to the centre that it overlaps most, and each centre takes the one of
    `_MOVES` that its boxes overlap most; if that is to stay, its step is halved.

    Args:
      wh: [N, 2] (width, height).
      centres: [k, 2], the start.
      step: the first, as a share of a centre's sides.

    Returns:
      [k, 2], by ascending area; never worse than the start.
    """
    width, height = np.ascontiguousarray(wh.T)
    steps = np.full([len(centres), 1], step)
    while steps.max() > _LAST_STEP:
        nearest = _nearest(width, height, centres)
        candidates = [centres * np.exp(steps * move) for move in np.array(_MOVES)]
        sums = [_overlap_sums(width, height, nearest, moved) for moved in candidates]
        best = np.argmax(sums, axis=0)
        centres = np.stack(candidates)[best, np.arange(len(centres))]
        steps = np.where(best[:, None] == 0, steps / 2, steps)
    return _sorted(centres)


def _overlap_sums(width, height, nearest, centres) -> np.ndarray:
    """[k]: of each centre the sum of its boxes' IoUs with it."""
    w, h = centres[nearest].T
    both = np.minimum(width, w) * np.minimum(height, h)
    iou = both / (width * height + w * h - both)
    return np.bincount(nearest, weights=iou, minlength=len(centres))


def _sorted(centres: np.ndarray) -> np.ndarray:
    return centres[np.lexsort((centres[:, 0], centres.prod(axis=1)))]


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


def _iterate(wh: np.ndarray, centres: np.ndarray, update: str) -> np.ndarray:
    """Moves the centres until they stay where they are, or 1000 times."""
    width, height = np.ascontiguousarray(wh.T)
    for _ in range(1000):
        previous = centres
        centres = _moved(width, height, _nearest(width, height, centres), centres, update)
        if (np.abs(centres - previous) <= _STILL * previous).all():
            break
    return _sorted(centres)


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
