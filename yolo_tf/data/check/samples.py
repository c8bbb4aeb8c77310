"""Facts of a source, checked and decoded as for a build; and what a build left out."""

import json
import os
from collections.abc import Iterator
from contextlib import closing

from yolo_tf.data import checks
from yolo_tf.data.card import find_card, read_card
from yolo_tf.data.check.facts import Facts, Finding, Reading
from yolo_tf.data.check.fingerprint import fingerprint
from yolo_tf.data.check.records import box_kind
from yolo_tf.data.checks import Issue
from yolo_tf.data.reading import read_all
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Source
from yolo_tf.errors import UserError

_IMAGE_KINDS = {
    checks.IMAGE_SKIPPED: "unusable_image",
    checks.SIZE_CORRECTED: "declared_size",
}
_BOX_ACTIONS = (checks.BOX_SKIPPED, checks.EMPTY_BOX_SKIPPED, checks.BOX_CLIPPED)


def sample_facts(
    split: str, source: Source, workers: int = 1, look: bool = True
) -> Iterator[Reading]:
    """Reads all images of a source, in order. Arguments as of `record_facts`."""
    if source.issues:
        yield None, [issue_finding(split, issue) for issue in source.issues]
    with closing(read_all(source, workers)) as readings:
        for sample, issues in readings:
            found = [issue_finding(split, issue) for issue in issues]
            yield (None if sample is None else _facts(split, sample, look)), found


def issue_finding(split: str, issue: Issue, kind: str = "") -> Finding:
    """An issue of a source as a finding; `kind` where it is not that of the action."""
    if not kind and issue.action in _BOX_ACTIONS:
        unknown = issue.expected.startswith("a class ")  # of the list, from 0 to 4
        kind = "unknown_class" if unknown else box_kind(issue.action, issue.found)
    kind = kind or _IMAGE_KINDS.get(issue.action, "changed")
    detail = f"found {issue.found}, expected {issue.expected}"
    if kind in ("changed", "left_out"):
        detail = f"{issue.action}: {detail}"
    return Finding(kind, split, f"{issue.file}: {issue.field}", issue.record, detail)


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
            listed = _read_issues(file)
        try:
            issues = [Issue(**item) for item in listed]
        except TypeError:
            problem = "found no list of issues as build_tfrecords writes it"
            raise UserError(f"{file}: {problem}") from None
        skipped = [issue for issue in issues if issue.action in checks.SKIPPED]
        found += [issue_finding(split, issue, "left_out") for issue in skipped]
    return found


def _read_issues(file) -> list:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file}: not readable as a list of issues: {error}") from None


def _facts(split: str, sample: Sample, look: bool) -> Facts:
    shown = fingerprint(sample.image, sample.filename, sample.source_id, look)
    return Facts(
        split=split,
        place=sample.filename,
        source_id=sample.source_id,
        image=sample.image,
        print=shown,
        boxes=sample.boxes,
        classes=sample.classes,
        crowd=sample.crowd,
        box_places=[f"{sample.annotation}: {place}" for place in sample.box_places],
    )
