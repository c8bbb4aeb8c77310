"""What a build counts and tells."""

from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from yolo_tf.data import checks
from yolo_tf.data.checks import Issue
from yolo_tf.data.sample import Sample
from yolo_tf.errors import UserError

SKIPPED = (checks.IMAGE_SKIPPED, checks.BOX_SKIPPED, checks.EMPTY_BOX_SKIPPED)
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
