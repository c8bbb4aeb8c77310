"""Findings gathered by kind and ranked, the worst first."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

from yolo_tf.analysis.kinds import KINDS, NOTE, SEVERITIES, Kind
from yolo_tf.analysis.readings import Finding

KEPT = 1000  # findings of a kind and a split


class Findings:
    """What is found in one split. Data that is wrong throughout has a finding a box, so only the
    first of each kind stay in memory.

    Args:
      file: takes every finding, a line of JSON each.
    """

    def __init__(self, file: TextIO):
        self._file = file
        self.counts = Counter()  # kind -> how many
        self.first: dict[str, list[Finding]] = {}  # kind -> the first `KEPT`

    def add(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.counts[finding.kind] += 1
            if self.counts[finding.kind] <= KEPT:
                self.first.setdefault(finding.kind, []).append(finding)
            line = {"kind": finding.kind, **finding.to_dict()}
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")


@dataclass(frozen=True)
class Problem:
    """The findings of one kind, of all splits."""

    name: str  # of the kind
    severity: str  # "error", "warning" or "note"
    count: int
    share: float  # of all images, boxes, classes or files read
    findings: list[Finding]  # the first ones

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]

    def to_dict(self) -> dict:
        """For JSON."""
        return {
            "kind": self.name,
            "severity": self.severity,
            "count": self.count,
            "unit": self.kind.unit,
            "share": round(self.share, 6),
            "what": f"{self.kind.unit} {self.kind.title}",
            "advice": self.kind.advice,
            "examples": [finding.to_dict() for finding in self.findings],
        }


def rank(splits: Iterable[Findings], totals: dict[str, int]) -> list[Problem]:
    """One `Problem` a kind: by severity, then by its share.

    Args:
      totals: how many "images", "boxes" and "classes" there are in all splits.
    """
    splits, problems = list(splits), []
    for name, kind in KINDS.items():
        count = sum(found.counts[name] for found in splits)
        if count:
            share = min(count / max(totals.get(kind.unit, count), 1), 1.0)
            severity = NOTE if share < kind.minor else kind.severity
            first = [finding for found in splits for finding in found.first.get(name, [])]
            problems.append(Problem(name, severity, count, share, first))
    return sorted(problems, key=lambda p: (SEVERITIES.index(p.severity), -p.share))


def serious(problems: Iterable[Problem]) -> list[Problem]:
    """Errors and warnings: those that `--strict` is about."""
    return [problem for problem in problems if problem.severity != NOTE]
