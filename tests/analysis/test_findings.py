import io
import json

from yolo_tf.analysis import findings as module
from yolo_tf.analysis.findings import Findings, rank, serious
from yolo_tf.analysis.kinds import KINDS, SEVERITIES
from yolo_tf.analysis.readings import Finding
from yolo_tf.analysis.report import problem_lines

BOX = [0.2, 0.2, 0.6, 0.6]
TOTALS = {"images": 10, "boxes": 100, "classes": 3}


def found(split="train", file=None, **counts):
    """Findings of a split: so many of each kind."""
    result = Findings(file or io.StringIO())
    for kind, count in counts.items():
        result.add(
            Finding(kind, split, f"x: record {n}", f"a{n}", "detail", BOX) for n in range(count)
        )
    return result


def test_the_worst_come_first():
    train = found(unlabelled_image=9, same_box=20, outside_box=1, empty_box=50)
    problems = rank([train, found("val", same_box=10)], TOTALS)
    assert [p.name for p in problems] == [
        "outside_box",
        "empty_box",
        "same_box",
        "unlabelled_image",
    ]
    assert [p.share for p in problems] == [0.01, 0.5, 0.3, 0.9]
    assert [p.name for p in serious(problems)] == ["outside_box", "empty_box", "same_box"]


def test_a_small_share_of_some_is_a_note():
    (few,) = rank([found(poor_anchor=1)], TOTALS)
    (many,) = rank([found(poor_anchor=2)], TOTALS)
    assert (few.severity, many.severity) == ("note", "warning")


def test_every_finding_is_in_the_file_the_first_are_in_the_json_and_a_few_are_printed(monkeypatch):
    monkeypatch.setattr(module, "KEPT", 8)
    file = io.StringIO()
    splits = [found(file=file, empty_box=20), found("val", file, empty_box=5)]
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert len(lines) == 25
    expected = {"split": "train", "place": "x: record 7", "image": "a7", "detail": "detail"}
    assert lines[7] == {"kind": "empty_box", **expected, "box_yxyx": BOX}

    (problem,) = rank(splits, TOTALS)
    entry = problem.to_dict()
    assert (entry["count"], len(entry["examples"])) == (25, 8 + 5)
    assert entry["examples"][7] == {**expected, "box_yxyx": BOX}
    assert entry["examples"][8]["split"] == "val"

    printed = problem_lines([problem])
    assert printed[0].split() == ["warning", "25", "boxes", "without", "area"]
    assert printed[1].strip() == "train: x: record 0 (a0): detail"
    assert printed[4].strip() == "... and 22 more"
    assert len(printed) == 6


def test_classes_are_named_in_a_line():
    (problem,) = rank([found(unused_class=12)], TOTALS)
    assert problem_lines([problem])[1].strip().endswith("a8, a9 and 2 more")


def test_nothing_wrong():
    assert rank([found()], TOTALS) == []
    assert problem_lines([]) == ["no problems found"]


def test_kinds_are_complete():
    for kind in KINDS.values():
        assert kind.severity in SEVERITIES
        assert kind.unit in ("images", "boxes", "classes", "files")
        assert kind.advice
