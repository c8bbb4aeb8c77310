"""The folder `.NAME-SPLIT.build` of an unfinished build: finished shards, to resume with.

A shard is finished when its report is there, which is written last. The shards take their names
beside the folder when all are finished. Until then, and while they do, `find_shards` sees the old
set, or none, or one that lacks shards, which it refuses. The reports hold what the build counted
and listed; added up they are the build's.
"""

import glob
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from yolo_tf.data.checks import SKIPPED, Issue
from yolo_tf.data.records.writing import shard_name, split_shards
from yolo_tf.data.sample import Sample
from yolo_tf.errors import UserError
from yolo_tf.files import replacing, try_lock, write_text

IN_CARD = 1000  # issues of each kind, skipped and changed: the card stays small
_SHOWN = 20  # issues printed one by one; the card lists them


@dataclass
class Counts:
    """Counts of one shard, or of a split."""

    images: int = 0
    boxes: list[int] = field(default_factory=list)  # per class
    actions: dict[str, int] = field(default_factory=dict)  # of the issues -> how many

    @classmethod
    def of(cls, classes: int) -> "Counts":
        return cls(boxes=[0] * classes)

    def add(self, sample: Sample) -> None:
        counts = np.bincount(sample.classes, minlength=len(self.boxes))
        self.images += 1
        self.boxes = [a + b for a, b in zip(self.boxes, counts.tolist(), strict=True)]

    def note(self, issue: Issue) -> None:
        self.actions[issue.action] = self.actions.get(issue.action, 0) + 1

    def merge(self, other: "Counts") -> None:
        self.images += other.images
        self.boxes = [a + b for a, b in zip(self.boxes, other.boxes, strict=True)]
        for action, count in other.actions.items():
            self.actions[action] = self.actions.get(action, 0) + count


class IssueLog:
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


def list_issues(issues: Iterable[Issue], counts: Counts, path: Path) -> dict:
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


_KEY, _MOVING, _LOCK = "build.json", "moving", "lock"


@dataclass(frozen=True)
class BuildFolder:
    """Where the parts of one split of a data set are written to."""

    output: Path
    name: str
    split: str
    count: int  # of shards

    @property
    def path(self) -> Path:
        return self.output / f".{self.name}-{self.split}.build"

    def shard(self, index: int) -> Path:
        return self.path / f"{index:05d}.tfrecord"

    def listing(self, index: int) -> Path:
        """The issues of a shard, an object of JSON a line."""
        return self.path / f"{index:05d}.issues"

    def failure(self, index: int) -> Path:
        """The mistake that ended a shard, as text; of workers that cannot raise it themselves."""
        return self.path / f"{index:05d}.error"

    def target(self, index: int) -> Path:
        return self.output / shard_name(self.name, self.split, index, self.count)

    def write_report(self, index: int, counts: Counts, size: int) -> None:
        """Marks a shard as finished."""
        write_text(self._report(index), json.dumps({"bytes": size, **asdict(counts)}))

    def report(self, index: int) -> Counts | None:
        """The counts of a shard if it is finished."""
        try:
            content = json.loads(self._report(index).read_text(encoding="utf-8"))
            there = self.target(index) if self._moved(index) else self.shard(index)
            if there.stat().st_size != content.pop("bytes"):
                return None
            return Counts(**content)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def size(self) -> int:
        """Bytes of all shards."""
        paths = [self.target(i) if self._moved(i) else self.shard(i) for i in range(self.count)]
        return sum(path.stat().st_size for path in paths)

    def issues(self, index: int) -> Iterator[Issue]:
        with self.listing(index).open(encoding="utf-8") as lines:
            for line in lines:
                yield Issue(**json.loads(line))

    def remove_old(self) -> None:
        """Removes the shards of an older build, so that none stands among the new ones."""
        write_text(self.path / _MOVING, "")
        ours = {self.target(i) for i in range(self.count) if self._moved(i)}
        for path in split_shards(self.output, self.name, self.split):
            if path not in ours:
                path.unlink()

    def listing_of_all(self) -> Path:
        """The file beside the card for issues that are too many for it."""
        return self.output / f"{self.name}-{self.split}.issues.json"

    def card(self) -> Path:
        return self.output / f"{self.name}.json"

    def move_shards(self) -> None:
        """Gives the shards their names, and removes this folder."""
        for index in range(self.count):
            if not self._moved(index):
                os.replace(self.shard(index), self.target(index))
        self.remove()

    def remove(self) -> None:
        shutil.rmtree(self.path)

    def _report(self, index: int) -> Path:
        return self.path / f"{index:05d}.json"

    def _moved(self, index: int) -> bool:
        """Whether the shard has its name already, in a build that was ended meanwhile."""
        return (self.path / _MOVING).exists() and not self.shard(index).exists()


@contextmanager
def build_folder(folder: BuildFolder, key: dict) -> Iterator[None]:
    """Makes the folder, or takes over what another build with the same key left in it.

    If the block raises, finished shards stay for the next build.

    Raises:
      UserError: it cannot be made, or another process is building this split.
    """
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        lock = (folder.path / _LOCK).open("w")
    except OSError as error:
        raise UserError(f"{folder.output}: not a folder to write to: {error.strerror}") from None
    with lock:
        if not try_lock(lock):
            raise UserError(
                f"{folder.path}: another process is building {folder.name}-{folder.split} here; "
                "wait for it, or end it"
            )
        _empty_unless(folder, key)
        try:
            yield
        finally:
            if folder.path.exists() and not any(map(folder.report, range(folder.count))):
                folder.remove()


def _empty_unless(folder: BuildFolder, key: dict) -> None:
    """Removes what a build with another key left, and what any build left half written."""
    path = folder.path / _KEY
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        old = {}
    if old and old != key:
        changed = [part for part in key if old.get(part) != key[part]]
        print(f"{folder.path}: an unfinished build with other {', '.join(changed)}: starts anew")
    if (folder.path / _MOVING).exists():
        for path in (folder.card(), folder.listing_of_all()):
            for half in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
                half.unlink()
    for item in folder.path.iterdir():
        if item.name != _LOCK and (old != key or item.suffix in (".tmp", ".error")):
            item.unlink()
    write_text(path, json.dumps(key))
