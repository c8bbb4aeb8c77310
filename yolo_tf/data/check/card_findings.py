"""What a build left out of the records, as the data set card beside them tells."""

import json
import os

from yolo_tf.data.card import find_card, read_card
from yolo_tf.data.check.facts import Finding
from yolo_tf.data.check.samples import issue_finding
from yolo_tf.data.checks import EMPTY_BOX_SKIPPED, FATAL, Issue
from yolo_tf.errors import UserError


def card_findings(split: str, pattern: str, paths: list[str]) -> list[Finding]:
    """A finding for every image or box that the card of these shards lists as left out."""
    path = find_card(pattern)
    if path is None:
        return []
    card = read_card(path)
    names = {os.path.basename(p).split(".tfrecord")[0].removeprefix(f"{card.name}-") for p in paths}
    found = []
    for name in sorted(names & card.splits.keys()):
        entry = card.splits[name]
        listed, file = entry.get("skipped", []), path
        if "issues" in entry:  # too many for the card
            file = path.with_name(os.path.basename(str(entry["issues"])))
            listed = _read(file)
        try:
            issues = [Issue(**item) for item in listed]
        except TypeError:
            problem = "found no list of issues as build_tfrecords writes it"
            raise UserError(f"{file}: {problem}") from None
        skipped = [issue for issue in issues if issue.action in (*FATAL, EMPTY_BOX_SKIPPED)]
        found += [issue_finding(split, issue, "left_out") for issue in skipped]
    return found


def _read(file) -> list:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file}: not readable as a list of issues: {error}") from None
