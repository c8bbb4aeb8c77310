"""What a build counts, tells and lists."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from yolo_tf.data.checks import SKIPPED, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.errors import UserError
from yolo_tf.files import replacing

IN_CARD = 1000  # issues of each kind, skipped and changed: the card stays small
_SHOWN = 20  # issues printed one by one; the card lists them


@dataclass
class Tally:
    """Counts of one shard, or of a split."""

    images: int = 0
    boxes: list[int] = field(default_factory=list)  # per class
    actions: dict[str, int] = field(default_factory=dict)  # of the issues -> how many

    @classmethod
    def of(cls, classes: int) -> "Tally":
        return cls(boxes=[0] * classes)

    def add(self, sample: Sample) -> None:
        counts = np.bincount(sample.classes, minlength=len(self.boxes))
        self.images += 1
        self.boxes = [a + b for a, b in zip(self.boxes, counts.tolist(), strict=True)]

    def note(self, issue: Issue) -> None:
        self.actions[issue.action] = self.actions.get(issue.action, 0) + 1

    def merge(self, other: "Tally") -> None:
        self.images += other.images
        self.boxes = [a + b for a, b in zip(self.boxes, other.boxes, strict=True)]
        for action, count in other.actions.items():
            self.actions[action] = self.actions.get(action, 0) + count


class Notes:
    """Prints the first issues of a build, and ends it at one that may not be skipped."""

    def __init__(self, skip_bad: bool, silent: bool = False):
        self._skip_bad = skip_bad
        self._silent = silent
        self.count = 0

    def note(self, issue: Issue) -> None:
        """Raises `UserError` for what cannot be used, unless it may be skipped."""
        if issue.fatal and not self._skip_bad:
            raise UserError(
                f"{issue}. Mend it, or give --skip_bad to leave such images and boxes out and "
                "list them"
            )
        self.count += 1
        if self.count <= _SHOWN and not self._silent:
            tqdm.write(f"{issue.action}: {issue}")

    def unshown(self) -> int:
        return max(self.count - _SHOWN, 0)


def list_issues(issues: Iterable[Issue], counts: Tally, path: Path) -> dict:
    """Lists issues for a card's entry of a split.

    Args:
      counts: how many there are.
      path: the file for all of them, a list with an object a line; written when there are more
        than `IN_CARD` of a kind, removed otherwise.

    Returns:
      "counts" {action: number}, "skipped" and "changed": the first `IN_CARD` of each kind; and
      "issues", the name of the file, if there is one.
    """
    skipped = sum(counts.actions.get(action, 0) for action in SKIPPED)
    changed = sum(counts.actions.values()) - skipped
    entry = {"counts": dict(sorted(counts.actions.items())), "skipped": [], "changed": []}
    if max(skipped, changed) <= IN_CARD:
        path.unlink(missing_ok=True)
        _sort(issues, entry)
        return entry
    entry["issues"] = path.name
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        _sort(_written(issues, file), entry)
    return entry


def _sort(issues: Iterable[Issue], entry: dict) -> None:
    for issue in issues:
        kind = entry["skipped" if issue.action in SKIPPED else "changed"]
        if len(kind) < IN_CARD:
            kind.append(issue.to_dict())


def _written(issues: Iterable[Issue], file) -> Iterable[Issue]:
    for number, issue in enumerate(issues):
        file.write(("[\n" if number == 0 else ",\n") + json.dumps(issue.to_dict()))
        yield issue
    file.write("\n]\n")
