import sys

import pytest

from yolo_tf import progress
from yolo_tf.progress import Bar


@pytest.fixture
def clock(monkeypatch):
    """Each look at the clock is ten seconds later."""
    seconds = iter(range(0, 10_000, 10))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))


def test_lines_in_a_file(clock, capsys):
    bar = Bar(total=8, desc="reading", unit="image", mininterval=0)
    bar.mininterval = 0
    for _ in range(8):
        bar.update()
    bar.close()
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert 2 <= len(lines) <= 4
    assert all(line.startswith("reading: ") and " of 8 images" in line for line in lines)
    assert not err


def test_work_of_less_than_half_a_minute_prints_nothing(capsys):
    assert list(Bar(range(1000), "reading")) == list(range(1000))
    assert capsys.readouterr() == ("", "")


def test_iterating_prints_too(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    list(Bar(range(3), "reading", unit="image"))
    assert "reading: 3 of 3 images" in capsys.readouterr().out


def test_a_bar_in_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    bar = Bar(range(3), "reading")
    assert bar.due
    list(bar)
    out, err = capsys.readouterr()
    assert not out
    assert "reading: 100%" in err


def test_none_where_none_is_wanted(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    bar = Bar(range(3), "reading", disable=True)
    list(bar)
    assert not bar.due
    assert capsys.readouterr() == ("", "")
