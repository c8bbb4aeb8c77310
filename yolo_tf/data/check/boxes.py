"""Boxes of one image that are the same object twice."""

import numpy as np

from yolo_tf.data.check.facts import Facts, Finding

SAME_BOX = 0.8  # IoU of two boxes of one class above which they are one object, most likely
TWO_CLASSES = 0.9  # the same for two classes, which often lie close: rider and horse
_MOST = 2000  # boxes of an image that are compared


def double_boxes(facts: Facts, class_names: list[str]) -> list[Finding]:
    """A finding for every box that nearly repeats an earlier one. Crowd boxes are left out."""
    own = np.flatnonzero(~facts.crowd)[:_MOST]
    if len(own) < 2:
        return []
    boxes, classes = facts.boxes[own].astype(np.float64), facts.classes[own]
    overlap = np.tril(_iou(boxes), -1)
    same = classes[:, None] == classes
    found = []
    for kind, wanted in (
        ("same_box", same & (overlap > SAME_BOX)),
        ("two_classes", ~same & (overlap > TWO_CLASSES)),
    ):
        for later in np.flatnonzero(wanted.any(axis=1)):
            earlier = int(np.where(wanted[later], overlap[later], -1).argmax())
            texts = [
                f"{class_names[classes[n]]} at {facts.pixels(boxes[n])}" for n in (later, earlier)
            ]
            place = facts.box_places[own[earlier]].rpartition(": ")[2]  # the file is the same
            detail = f"{texts[0]}, and {texts[1]} ({place})"
            detail += f": IoU {overlap[later, earlier]:.2f}"
            found.append(facts.find_box(kind, detail, own[later]))
    return found


def _iou(boxes: np.ndarray) -> np.ndarray:
    """[N, N] IoU of all with all."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return shared / np.maximum(area[:, None] + area - shared, np.finfo(np.float64).tiny)
