"""Images to `Reading`s: of TFRecords, by their headers alone, and of a source, as a build reads it.

What a build left out is read from its issues file.
"""

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np

from yolo_tf.analysis.readings import Facts, Finding, Reading
from yolo_tf.data import checks
from yolo_tf.data.build.reading import read_all
from yolo_tf.data.checks import BadRecord, Issue
from yolo_tf.data.fingerprints import fingerprint
from yolo_tf.data.records.card import find_card, read_card
from yolo_tf.data.records.examples import Record, parse_record
from yolo_tf.data.records.files import read_records, record_lengths
from yolo_tf.data.records.label_map import LabelMap
from yolo_tf.data.records.open_records import Records
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Source
from yolo_tf.errors import UserError, nearest
from yolo_tf.text_files import read_json

_AHEAD = 16  # records a thread that may wait; bounds the memory
_BOX_KINDS = {
    checks.BOX_SKIPPED: "broken_box",
    checks.EMPTY_BOX_SKIPPED: "empty_box",
    checks.BOX_CLIPPED: "clipped_box",
}


def record_facts(split: str, records: Records, look: bool = True) -> Iterator[Reading]:
    """Reads all records, in order; threads hash and decode.

    Args:
      records: not checked, since unknown classes are findings.
      look: decode the images roughly, to find damaged and similar ones.
    """
    class_names = records.class_names
    by_label, by_text = LabelMap.of(class_names, records.labels).indices(class_names)

    def examine(path: str, number: int, serialized: bytes) -> Reading:
        place = f"{path}: record {number}"
        try:
            record = parse_record(serialized, path, f"record {number}")
            shown = fingerprint(record.image, path, record.source_id, look)
        except BadRecord as error:
            issue = error.issue
            detail = f"{issue.field}: found {issue.found}, expected {issue.expected}"
            found = Finding("unusable_image", split, place, issue.record, detail)
            return None, [found]
        classes = [
            by_text.get(record.texts[n], -1) if record.texts else by_label.get(record.labels[n], -1)
            for n in range(len(record.corners))
        ]
        facts = Facts(split, place, record.source_id, record.image, shown)
        return facts, _fill(facts, record, classes, class_names)

    for path in records.paths:
        damaged = []
        yield from _in_threads(examine, _records(split, path, damaged))
        for finding in damaged:
            yield None, [finding]


def count_readable(paths: list[str]) -> int:
    """The number of records before the end of each file or its first damage."""
    count = 0
    for path in paths:
        with contextlib.suppress(UserError):  # it becomes a finding when the records are read
            for _ in record_lengths(path):
                count += 1
    return count


def _records(split: str, path: str, damaged: list[Finding]):
    try:
        yield from read_records([path])
    except UserError as error:
        place, _, problem = str(error).rpartition(": ")
        damaged.append(Finding("unreadable_file", split, place, "", problem))


def _in_threads(work: Callable, items: Iterable[tuple]) -> Iterator[Reading]:
    threads = min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque()
        for item in items:
            waiting.append(pool.submit(work, *item))
            if len(waiting) >= threads * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _fill(facts: Facts, record: Record, classes, class_names) -> list[Finding]:
    """Puts the boxes that can be used into `facts`."""
    size = (facts.print.height, facts.print.width)
    kept, boxes, found = [], [], []
    for n, corners in enumerate(record.corners):
        text = ", ".join(f"{v:g}" for v in corners)
        pixels = [v * side for v, side in zip(corners, size[::-1] * 2, strict=True)]
        box, problem = checks.check_box(pixels, text, *size)
        place = f"{facts.place}, object {n + 1}"
        if classes[n] < 0:
            name = record.texts[n] if record.texts else f"label {record.labels[n]}"
            detail = f"found {checks.show(name)}{nearest(name, class_names)}"
            found.append(facts.find_at("unknown_class", detail, place, box))
        if problem:
            action, value, expected = problem
            detail = f"found {value}, expected {expected}"
            found.append(facts.find_at(box_kind(action, value), detail, place, box))
        if box and classes[n] >= 0:
            kept.append(n)
            boxes.append(box)
            facts.box_places.append(place)
    declared = record.declared_size
    if declared is not None and tuple(declared) != size:
        found.append(facts.find("declared_size", _sizes(declared, size)))
    if facts.print.turned:
        found.append(facts.find("turned_image", "EXIF orientation is not upright"))
    facts.boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    facts.classes = np.asarray([classes[n] for n in kept], np.int32)
    facts.crowd = np.asarray([record.crowd[n] for n in kept], bool)
    return found


def box_kind(action: str, found: str) -> str:
    """The kind of finding behind what `checks.check_box` says of a box."""
    if action == checks.BOX_SKIPPED and found.endswith("(outside)"):
        return "outside_box"
    return _BOX_KINDS[action]


def _sizes(declared, size) -> str:
    return (
        f"found {declared[1]:g} x {declared[0]:g}, expected {size[1]} x {size[0]}, the image's"
        " own width and height"
    )


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


def card_findings(split: str, records: Records) -> list[Finding]:
    """A finding for every image or box that the card of these shards lists as left out."""
    path = find_card(records.pattern)
    if path is None:
        return []
    card = read_card(path)
    stems = (os.path.basename(file).split(".tfrecord")[0] for file in records.paths)
    names = {stem.removeprefix(f"{card.name}-") for stem in stems}
    found = []
    for name in sorted(names & card.splits.keys()):
        entry = card.splits[name]
        listed, file = entry.get("skipped", []), path
        if "issues" in entry:  # too many for the card
            file = path.with_name(os.path.basename(str(entry["issues"])))
            listed = read_json(file, what="a list of issues")
        try:
            issues = [Issue(**item) for item in listed]
        except TypeError:
            problem = "found no list of issues as build_tfrecords writes it"
            raise UserError(f"{file}: {problem}") from None
        skipped = [issue for issue in issues if issue.action in checks.SKIPPED]
        found += [issue_finding(split, issue, "left_out") for issue in skipped]
    return found


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
