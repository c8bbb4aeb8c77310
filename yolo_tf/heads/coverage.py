"""Which ground-truth boxes a head's targets leave out, before a network has said anything."""

from collections.abc import Callable

import numpy as np

from yolo_tf.heads.base import Head
from yolo_tf.heads.ssd.head import SsdHead
from yolo_tf.heads.yolo.head import YoloHead

Coverage = Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]


def coverage(head: Head) -> Coverage | None:
    """A function that tells what `head.encode` does with boxes.

    Returns:
      boxes [B, N, 4] float32 yxyx normalised, classes [B, N] int32 (-1: padding) ->
        "unmatched" [B, N] bool: no anchor answers for the box;
        "shared" [B, N] bool: every anchor that answers for it, in its cell, has a later box of
        the image too, and most losses train the last one.
      None for a head that matches by what the network predicts.
    """
    for kind, function in _COVERAGE.items():
        if isinstance(head, kind):
            return lambda boxes, classes: function(head, boxes, classes)
    return None


def _yolo(head: YoloHead, boxes: np.ndarray, classes: np.ndarray) -> dict[str, np.ndarray]:
    targets = head.encode(boxes, classes)
    matched, kept = np.zeros(classes.shape, bool), np.zeros(classes.shape, bool)
    for stride, level in targets["levels"].items():
        matches, cells = level["matches"].numpy(), level["cells"].numpy()
        image, box, step, anchor = np.nonzero(matches)
        rows, cols = (side // stride for side in head.input_size)
        row, col = cells[image, box, step].T
        slot = (image, row, col, anchor)
        last = np.full([len(classes), rows, cols, matches.shape[-1]], -1)
        np.maximum.at(last, slot, box)
        owner = last[slot] == box
        matched[image, box] = True
        kept[image[owner], box[owner]] = True
    return {"unmatched": (classes >= 0) & ~matched, "shared": matched & ~kept}


def _ssd(head: SsdHead, boxes: np.ndarray, classes: np.ndarray) -> dict[str, np.ndarray]:
    match = head.encode(boxes, classes)["match"].numpy()  # [B, priors]; row 1 is box 0
    matched = np.zeros([len(classes), classes.shape[1] + 1], bool)
    np.put_along_axis(matched, np.maximum(match, 0), True, axis=1)
    unmatched = (classes >= 0) & ~matched[:, 1:]
    return {"unmatched": unmatched, "shared": np.zeros_like(unmatched)}


_COVERAGE = {YoloHead: _yolo, SsdHead: _ssd}
