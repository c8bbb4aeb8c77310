"""The list that divides a data set without splits: a line an image, the split and the image.

The division depends on the contents of the images alone, not on their names, order or format:
groups of images that look alike, such as neighbours of one film, go to one split together; groups
are ordered by a hash of their images and the first of them are for validation. A list that is
there already keeps what it says, so that it may be edited, and new images do not move old ones.
"""

import hashlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import numpy as np
from tqdm import tqdm

from yolo_tf.data.build.reading import read_all
from yolo_tf.data.checks import BadRecord, printable
from yolo_tf.data.fingerprints import COLS, ROWS, fingerprint, similar
from yolo_tf.data.sources.selection import read_split_list
from yolo_tf.files import write_text

_HEAD = "# split and image; edit it and give it back with --split_list"


def write_split_list(source, path: str | Path, fraction: float, workers: int = 1) -> dict[str, int]:
    """Divides a source into train and val, and writes the list.

    Args:
      fraction: of the images that are for validation, 0 to 1, as near as the groups allow.

    Returns:
      Images of each split.
    """
    path, ids = Path(path), source.ids()
    old = read_split_list(path) if path.exists() else {}
    groups = _groups(_prints(source, workers), len(ids))
    chosen = divide(groups, fraction, [old.get(printable(key), "") for key in ids])
    lines = [f"{split}\t{printable(key)}\n" for key, split in zip(ids, chosen, strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join([f"{_HEAD}\n", *lines]))
    return {split: chosen.count(split) for split in dict.fromkeys(["train", "val", *chosen])}


def divide(groups: list[tuple[bytes, list[int]]], fraction: float, old: list[str]) -> list[str]:
    """The split of each image.

    Args:
      groups: (hash, indices) of images that stay together; all images, each once.
      old: what a list said before; "": nothing.
    """
    chosen = list(old)
    wanted = fraction * len(old)
    val = old.count("val")
    open_groups = []
    for digest, members in groups:
        known = [old[i] for i in members if old[i]]
        if known:  # new images go to those that look like them
            for i in members:
                chosen[i] = old[i] or known[0]
                val += chosen[i] == "val" and not old[i]
        else:
            open_groups.append((digest, members))
    open_groups.sort()
    for position, (_, members) in enumerate(open_groups):
        others = position + 1 < len(open_groups) or "train" in old
        fits = val + len(members) <= max(wanted, 1) + 0.5
        split = "val" if fits and others and val < wanted else "train"
        val += len(members) if split == "val" else 0
        for i in members:
            chosen[i] = split
    return chosen


class _Prints:
    """A source that gives fingerprints in place of samples: little to hand to another process."""

    def __init__(self, source):
        self._source = source

    def read(self, source_id: str):
        try:
            sample, _ = self._source.read(source_id)
            found = fingerprint(sample.image, source_id, source_id)
        except BadRecord:  # said when it is built
            return (hashlib.blake2b(source_id.encode(errors="replace")).digest()[:16], None), []
        return (found.digest, found.grey), []


def _prints(source, workers: int) -> Iterable[tuple[bytes, np.ndarray | None]]:
    ids = source.ids()
    with closing(read_all(_Prints(source), workers, ids)) as readings:
        for found, _ in tqdm(readings, total=len(ids), unit="image", desc="splits"):
            yield found


def _groups(prints: Iterable, count: int) -> list[tuple[bytes, list[int]]]:
    """Images that are equal or look alike, together; each group with its least hash."""
    digests, grey = [], np.zeros((count, ROWS, COLS), np.uint8)
    parent = list(range(count))

    def top(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[bytes, int] = {}
    for i, (digest, copy) in enumerate(prints):
        digests.append(digest)
        if copy is not None:
            grey[i] = copy
        parent[top(i)] = top(first.setdefault(digest, i))
    for later, earlier in similar(grey):
        parent[top(later)] = top(earlier)
    members: dict[int, list[int]] = {}
    for i in range(count):
        members.setdefault(top(i), []).append(i)
    return [(min(digests[i] for i in group), group) for group in members.values()]
