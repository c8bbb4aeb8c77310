import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord


def test_declared_size():
    found = checks.EncodedImage(b"", "jpeg", 40, 60)
    assert checks.check_size(("40", "60"), found, "id", "x.xml") == []
    for declared in [(0, 0), (None, None), ("40", "61"), ("abc", "60"), (float("nan"), 60)]:
        (issue,) = checks.check_size(declared, found, "id", "x.xml")
        assert (issue.action, issue.fatal) == (checks.SIZE_CORRECTED, False)
        assert "60 x 40" in issue.expected
    with pytest.raises(BadRecord, match=r"swapped.*expected 60 x 40"):
        checks.check_size((60, 40), found, "id", "x.xml")


def test_a_good_box_is_normalised():
    box, problem = checks.check_box((10, 5, 30, 25), "", 50, 100)
    assert box == pytest.approx((0.1, 0.1, 0.5, 0.3))
    assert problem is None
    assert checks.check_box((0, 0, 100, 50), "", 50, 100) == ((0, 0, 1, 1), None)


@pytest.mark.parametrize(
    ("corners", "action"),
    [
        ((math.nan, 0, 1, 1), checks.BOX_SKIPPED),
        ((0, 0, math.inf, 1), checks.BOX_SKIPPED),
        ((30, 5, 10, 25), checks.BOX_SKIPPED),
        ((10, 25, 30, 5), checks.BOX_SKIPPED),
        ((10, 5, 10, 25), checks.EMPTY_BOX_SKIPPED),
        ((10, 5, 30, 5), checks.EMPTY_BOX_SKIPPED),
        ((100, 5, 102, 25), checks.EMPTY_BOX_SKIPPED),  # all of it is outside, by little
        ((10, 5, 10 + 1e-12, 25), checks.EMPTY_BOX_SKIPPED),  # vanishes in float32
        ((10, 5, 103, 25), checks.BOX_SKIPPED),
        ((-3, 5, 30, 25), checks.BOX_SKIPPED),
        ((500, 500, 600, 600), checks.BOX_SKIPPED),
    ],
)
def test_a_bad_box_is_dropped(corners, action):
    box, problem = checks.check_box(corners, "as written", 50, 100)
    assert box is None
    assert problem[0] == action


def test_slight_overflow_is_clipped():
    box, problem = checks.check_box((-1, 5, 102, 25), "", 50, 100)
    assert box == pytest.approx((0.1, 0, 0.5, 1))
    assert problem[0] == checks.BOX_CLIPPED
    assert not checks.Issue("", "", "", *problem[1:], problem[0]).fatal


def test_a_last_digit_too_many_is_no_news():
    box, problem = checks.check_box((-0.04, 5, 100.04, 25), "", 50, 100)
    assert box == pytest.approx((0.1, 0, 0.5, 1))
    assert problem is None


@given(st.lists(st.floats(allow_nan=True, width=64), min_size=4, max_size=4))
def test_no_box_escapes(corners):
    box, problem = checks.check_box(tuple(corners), "", 48, 64)
    if box is None:
        assert problem is not None
    else:
        assert 0 <= box[0] < box[2] <= 1
        assert 0 <= box[1] < box[3] <= 1


def test_numbers():
    assert [checks.number(v) for v in ("3", " 2.5 ", 7, 1.5)] == [3, 2.5, 7, 1.5]
    for value in ("", "abc", "nan", "inf", None, [1], True, 10**400, "1e999"):
        assert math.isnan(checks.number(value))


@pytest.mark.parametrize(
    "name",
    ["../secret.jpg", "/etc/passwd", "a/../../b.jpg", "..\\x.jpg", "a\0b", "", ".", "x" * 5000],
)
def test_paths_out_of_the_folder_are_refused(tmp_path, name):
    folder = tmp_path / "images"
    folder.mkdir()
    with pytest.raises(BadRecord, match=r"filename: found .*expected a path inside images/"):
        checks.safe_path(folder, name, "id", "x.xml", "filename")


def test_links_that_lie_in_the_folder_are_followed(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    path = checks.safe_path(folder, "link.jpg", "id", "x.xml", "filename")
    assert path.read_bytes() == b"secret"
    (folder / "sub").symlink_to(tmp_path)  # ".." behind it would be the folder above
    path = checks.safe_path(folder, "sub/../x.jpg", "id", "", "")
    assert path == folder / "x.jpg"


def test_reading_files(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"12345")
    assert checks.read_file(tmp_path / "x", "id", "x", "image") == b"12345"
    os.mkfifo(tmp_path / "pipe")  # would block for ever
    kinds = {"missing": "no such file", "pipe": "a device or pipe", ".": "a folder"}
    for name, found in kinds.items():
        with pytest.raises(BadRecord, match=f"found {found}, expected a file"):
            checks.read_file(tmp_path / name, "id", name, "image")
    monkeypatch.setattr(checks, "MAX_FILE_BYTES", 4)
    with pytest.raises(BadRecord, match="found 5 bytes, expected at most 4"):
        checks.read_file(tmp_path / "x", "id", "x", "image")


def test_messages_stay_on_one_line():
    assert checks.show("a\nb\x1b[2J") == r"'a\nb\x1b[2J'"
    assert len(checks.show("x" * 1000)) < 90
    issue = checks.Issue("id", "a\nb.xml", "f\x1b", "1", "2", checks.BOX_SKIPPED)
    assert str(issue) == "a?b.xml: f?: found 1, expected 2"
