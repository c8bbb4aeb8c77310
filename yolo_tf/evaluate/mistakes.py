"""What is wrong with the detections of a set, by kind, and which class is taken for which.

The kinds are those of D. Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection
Errors", ECCV 2020, arXiv:2008.08115; a loose box of the wrong class counts as background here.
"""

from dataclasses import dataclass

import numpy as np

from yolo_tf.evaluate.matching import DetectionArrays, Truths, in_crowd, iou, match_by_class, pairs

# What a detection is. IGNORED: on a crowd or a difficult box.
IGNORED, RIGHT, WRONG_CLASS, DOUBLE, LOOSE, BACKGROUND = range(-1, 5)
KINDS = {
    "missed": "a true box that nothing of its class was found for",
    "wrong class": "on a true box of another class (IoU above 0.5)",
    "double": "on a true box that a surer detection has found already",
    "loose box": "near a true box of its class (IoU 0.1 to 0.5)",
    "background": "on no true box",
}
_CODES = {
    "wrong class": WRONG_CLASS,
    "double": DOUBLE,
    "loose box": LOOSE,
    "background": BACKGROUND,
}
_NEAR, _HIT = 0.1, 0.5  # IoU


@dataclass(frozen=True)
class Mistakes:
    """Of the D detections that reach a score threshold, and the N truths of their set."""

    detections: DetectionArrays
    kind: np.ndarray  # [D] int, IGNORED ... BACKGROUND
    missed: np.ndarray  # [N] bool
    confusion: np.ndarray  # [C + 1, C + 1] int: truth by row, found by column; the last: background

    def counts(self) -> dict[str, int]:
        """Name of each of KINDS -> how often."""
        counts = {name: int((self.kind == code).sum()) for name, code in _CODES.items()}
        return {name: counts.get(name, int(self.missed.sum())) for name in KINDS}

    def detections_of(self, kind: str) -> np.ndarray:
        """[D] bool, the detections that are mistakes of this kind."""
        return self.kind == _CODES[kind]

    def by_image(self, truths: Truths, images: int) -> dict[str, np.ndarray]:
        """Name of each of KINDS -> [images] int, how often in each image."""
        found = {"missed": np.bincount(truths.image[self.missed], minlength=images)}
        for name, code in _CODES.items():
            of_kind = self.detections.image[self.kind == code]
            found[name] = np.bincount(of_kind, minlength=images)
        return found


def find_mistakes(
    truths: Truths, detections: DetectionArrays, classes: int, threshold: float
) -> Mistakes:
    """Judges the detections that score at least `threshold`."""
    shown = detections.scores >= threshold
    found = DetectionArrays(
        *(getattr(detections, n)[shown] for n in ("image", "label", "boxes", "scores"))
    )
    matches = match_by_class(truths, found)
    kind = np.full(len(found.label), BACKGROUND)
    kind[matches.order] = np.select(
        [~matches.counts, matches.right, matches.iou > _HIT, matches.iou >= _NEAR],
        [IGNORED, RIGHT, DOUBLE, LOOSE],
        BACKGROUND,
    )
    kind[(kind > RIGHT) & in_crowd(truths, found)] = IGNORED
    missed = ~(truths.difficult | truths.crowd)
    missed[matches.truth[matches.right]] = False
    confused = _look_at_others(truths, found, kind, missed)
    confusion = np.zeros([classes + 1, classes + 1], int)
    right = found.label[kind == RIGHT]
    np.add.at(confusion, (right, right), 1)
    rows, columns = truths.label[confused[1]], found.label[confused[0]]
    np.add.at(confusion, (rows, columns), 1)
    rest = kind > RIGHT
    rest[confused[0]] = False
    np.add.at(confusion, (classes, found.label[rest]), 1)
    unseen = missed.copy()
    unseen[confused[1]] = False
    np.add.at(confusion, (truths.label[unseen], classes), 1)
    return Mistakes(found, kind, missed, confusion)


def _look_at_others(truths, found, kind, missed):
    """Marks in `kind` what lies on a truth of another class.

    Returns:
      (detections, truths): pairs of a detection and the missed truth that it took for another
      class, each truth once.
    """
    blocks = [np.zeros([3, 0])]
    for detection, truth in pairs(truths.image, found.image):
        open_ones = (kind[detection] == LOOSE) | (kind[detection] == BACKGROUND)
        detection, truth = detection[open_ones], truth[open_ones]
        overlap = iou(truths.boxes[truth], found.boxes[detection])
        other = (truths.label[truth] != found.label[detection]) & (overlap > _HIT)
        ignored = truths.difficult[truth] | truths.crowd[truth]
        kind[detection[other & ~ignored]] = WRONG_CLASS
        kind[detection[other & ignored]] = IGNORED
        taken = other & missed[truth] & (kind[detection] == WRONG_CLASS)
        blocks.append(np.stack([detection[taken], truth[taken], overlap[taken]]))
    detection, truth, overlap = np.concatenate(blocks, axis=1)
    detection, truth = detection.astype(int), truth.astype(int)
    # The surest detection first; then each truth and each detection once.
    taken = np.lexsort([-overlap, -found.scores[detection]])
    taken = taken[np.sort(np.unique(detection[taken], return_index=True)[1])]
    taken = taken[np.sort(np.unique(truth[taken], return_index=True)[1])]
    return detection[taken], truth[taken]
