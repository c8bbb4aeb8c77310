"""The issues of a split for its card; many of them as a file beside it: the card stays small, and
memory flat."""

import json
from collections.abc import Iterable
from pathlib import Path

from yolo_tf.data.checks import Issue
from yolo_tf.data.tally import SKIPPED, Tally
from yolo_tf.files import replacing

IN_CARD = 1000  # of each kind


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
