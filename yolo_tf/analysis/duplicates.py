"""Images and boxes that occur twice: within a split, between splits, and within one image.

Images that look alike are found without comparing each with each. The hash is the difference
hash: a bit for every two neighbours in a row of the tiny grey copy, set where the right one is
brighter (N. Krawetz 2013). It survives another size, another JPEG quality and small changes of
colour. Hashes that differ in at most 3 of 64 bits agree in one of four parts of 16 bits, so only
images with an equal part are compared.
"""

import itertools
from collections.abc import Iterator

import numpy as np

from yolo_tf.analysis.readings import Facts, Finding
from yolo_tf.analysis.split import Split

MAX_BITS = 3
MAX_DIFFERENCE = 3.0  # mean absolute difference of the grey copies, 0..255, without their means
MIN_CONTRAST = 4.0  # standard deviation; below, a picture is plain and looks like every other
_NEIGHBOURS = 64  # pictures with an equal part that each is compared with, at most


def similar(grey: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (later, earlier) of pictures that look alike, the earliest for each later one.

    Args:
      grey: [N, rows, cols] uint8, the copies of `fingerprint`.
    """
    if len(grey) < 2:
        return []
    values = grey.astype(np.float32)
    values -= values.mean(axis=(1, 2), keepdims=True)
    usable = values.std(axis=(1, 2)) >= MIN_CONTRAST
    bits = np.packbits((grey[:, :, 1:] > grey[:, :, :-1]).reshape(len(grey), -1), axis=1)
    earliest = {}
    for later, earlier in _candidates(bits, usable):
        apart = np.unpackbits(bits[later] ^ bits[earlier], axis=1).sum(axis=1)
        difference = np.abs(values[later] - values[earlier]).mean(axis=(1, 2))
        alike = (apart <= MAX_BITS) & (difference <= MAX_DIFFERENCE)
        for a, b in zip(later[alike].tolist(), earlier[alike].tolist(), strict=True):
            earliest[a] = min(b, earliest.get(a, b))
    return sorted(earliest.items())


def _candidates(bits: np.ndarray, usable: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of indices (later, earlier), many at a time; some more than once."""
    rows = np.flatnonzero(usable)
    for part in np.ascontiguousarray(bits[rows]).view(np.uint16).T:
        order = np.argsort(part, kind="stable")
        keys, members = part[order], rows[order]
        for distance in range(1, min(_NEIGHBOURS, len(rows) - 1) + 1):
            equal = keys[distance:] == keys[:-distance]
            if not equal.any():
                break
            yield members[distance:][equal], members[:-distance][equal]


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
