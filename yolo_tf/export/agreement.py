"""How far what an export detects is from what the model does."""

import numpy as np

_SCORE = 0.1  # detections that score less are not compared one by one
_NEAR = 0.1  # largest difference of a box's edge (0 to 1) with which a detection is the same one


def largest_difference(found: dict, expected: dict) -> float:
    """Largest difference of a detection from the nearest one of its class on the other side.

    Not row by row: where two scores are all but equal, their order means nothing. Only detections
    that score 0.1 or more are looked for, but among all.

    Args:
      found, expected: detection_boxes [B, K, 4], detection_scores [B, K], detection_classes
        [B, K].

    Returns:
      Of box edges and scores; 1 for a detection whose class is not there at all.
    """
    edges, scores = _differences(found, expected)
    distance = np.maximum(edges, scores)
    wanted = [d["detection_scores"] >= _SCORE for d in (found, expected)]
    ways = (distance.min(axis=2)[wanted[0]], distance.min(axis=1)[wanted[1]])
    return float(max(way.max(initial=0.0) for way in ways))


def kept(found: dict, expected: dict) -> tuple[int, int]:
    """How many of the model's detections an export still has.

    Kept is a detection that scores 0.1 or more where the export has one of its class, with edges
    within 0.1 and half its score or more.

    Args:
      found, expected: as of `largest_difference`; what the export and the model detect.

    Returns:
      Kept ones, and all.
    """
    edges, _ = _differences(found, expected)
    scores = expected["detection_scores"]
    high = found["detection_scores"][:, :, np.newaxis] >= scores[:, np.newaxis] / 2
    there = ((edges <= _NEAR) & high).any(axis=1)
    wanted = scores >= _SCORE
    return int(there[wanted].sum()), int(wanted.sum())


def _differences(found: dict, expected: dict) -> tuple[np.ndarray, np.ndarray]:
    """[B, K_found, K_expected] of edges and of scores; 1 for another class and what is no number"""
    boxes, scores, classes = (
        (found[name][:, :, np.newaxis], expected[name][:, np.newaxis])
        for name in ("detection_boxes", "detection_scores", "detection_classes")
    )
    edges = np.abs(boxes[0] - boxes[1]).max(axis=-1)
    scores = np.abs(scores[0] - scores[1])
    bad = (classes[0] != classes[1]) | np.isnan(edges) | np.isnan(scores)
    return np.where(bad, 1.0, edges), np.where(bad, 1.0, scores)
