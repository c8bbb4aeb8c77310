"""Images and boxes that occur twice: within a split, between splits, and within one image."""

import itertools

import numpy as np

from yolo_tf.analysis.readings import Facts, Finding
from yolo_tf.analysis.split import Split
from yolo_tf.data.fingerprints import similar
from yolo_tf.ops.boxes import pairwise_iou

SAME_BOX = 0.8  # IoU of two boxes of one class above which they are one object, most likely
TWO_CLASSES = 0.9  # the same for two classes, which often lie close: rider and horse
_MOST = 2000  # boxes of an image that are compared


def double_boxes(facts: Facts, class_names: list[str]) -> list[Finding]:
    """A finding for every box that nearly repeats an earlier one. Crowd boxes are left out."""
    own = np.flatnonzero(~facts.crowd)[:_MOST]
    if len(own) < 2:
        return []
    boxes, classes = facts.boxes[own].astype(np.float64), facts.classes[own]
    overlap = np.tril(pairwise_iou(boxes, boxes).numpy(), -1)
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


_FEW = 10  # boxes of a class in the training split


def compare(splits: list[Split], class_names: list[str]) -> None:
    """Adds to the findings of the splits; the first is the training split."""
    copies = _copies(splits)
    parts = copies, _similar(splits, copies), _same_ids(splits), _classes(splits, class_names)
    by_name = {split.name: split.findings for split in splits}
    for finding in itertools.chain(*parts):
        by_name[finding.split].add([finding])


def _rows(splits: list[Split]) -> list[tuple[Split, int]]:
    return [(split, n) for split in splits for n in range(split.images)]


def _copies(splits: list[Split]) -> list[Finding]:
    """Images that are an earlier one byte for byte."""
    found, first = [], {}
    for split, n in _rows(splits):
        other = first.setdefault(split.digests[n], (split, n))
        if other != (split, n):
            found.append(_pair("same_image", "leak", (split, n), other))
    return found


def _similar(splits: list[Split], copies: list[Finding]) -> list[Finding]:
    rows, greys = _rows(splits), np.concatenate([split.greys for split in splits])
    if len(greys) < 2 or len(greys) != len(rows):
        return []
    known = {(finding.split, finding.place) for finding in copies}
    pairs = [(rows[later], rows[earlier]) for later, earlier in similar(greys)]
    return [
        _pair("similar_image", "near_leak", later, earlier)
        for later, earlier in pairs
        if (later[0].name, later[0].places[later[1]]) not in known
    ]


def _pair(kind: str, across: str, later: tuple[Split, int], earlier: tuple[Split, int]) -> Finding:
    (split, n), (other, m) = later, earlier
    detail = f"as {other.ids[m]} in {other.name}, {other.places[m]}"
    found = kind if split is other else across
    return Finding(found, split.name, split.places[n], split.ids[n], detail)


def _same_ids(splits: list[Split]) -> list[Finding]:
    found = []
    for split in splits:
        first = {}
        for n, name in enumerate(split.ids):
            if first.setdefault(name, n) != n:
                detail = f"as {split.places[first[name]]}"
                found.append(Finding("same_id", split.name, split.places[n], name, detail))
    return found


def _classes(splits: list[Split], class_names: list[str]) -> list[Finding]:
    found = []
    counts = np.array([split.boxes_per_class for split in splits])
    for index, name in enumerate(class_names):
        train, others = counts[0, index], counts[1:, index]
        shares = ", ".join(
            f"{split.name} {count}" for split, count in zip(splits, counts[:, index], strict=True)
        )
        kinds = {
            "unused_class": counts[:, index].sum() == 0,
            "untrained_class": train == 0 and others.sum() > 0,
            "unmeasured_class": train > 0 and len(others) > 0 and others.sum() == 0,
            "rare_class": 0 < train < _FEW,
        }
        for kind in [kind for kind, holds in kinds.items() if holds]:
            found.append(Finding(kind, splits[0].name, splits[0].where, name, f"boxes: {shares}"))
    return found
