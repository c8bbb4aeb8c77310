import subprocess
import sys
from pathlib import Path

import pytest

from yolo_tf.files import (
    WriteError,
    cause,
    csv_text,
    hold_folder,
    is_refusal,
    replacing,
    write_lines,
    write_text,
)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "results.csv"
    write_text(path, "old")

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(WriteError, match=r"results\.csv: cannot be written: disk full"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["results.csv"]


def test_lines_come_back_whatever_is_in_them(tmp_path):
    names = ["red cell", "Zelle\u2028zwei", "ä"]
    write_lines(tmp_path / "names", names)
    assert (tmp_path / "names").read_bytes() == "red cell\nZelle\u2028zwei\nä\n".encode()


@pytest.mark.parametrize("text", ["=1+1", "+2", "-3+cmd", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"])
def test_a_formula_is_a_text_in_a_csv_file(text):
    assert csv_text(text) == f"'{text}"


def test_other_texts_stay_in_a_csv_file():
    for text in ("", "cat", "a=b", "3-4", "'=1", " =1", "photos/-1.jpg"):
        assert csv_text(text) == text


def test_what_cannot_be_written_is_one_line_with_path_and_cause(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError, match=r"folder: cannot be written: Is a directory$"):
        write_text(tmp_path / "folder", "")
    with pytest.raises(WriteError, match=r"missing/a: cannot be written: No such file"):
        write_text(tmp_path / "missing/a", "")
    long = tmp_path / ("x" * 5000)
    with pytest.raises(WriteError, match="cannot be written: File name too long") as caught:
        write_text(long, "")
    assert len(str(caught.value)) < 400
    monkeypatch.setattr(Path, "write_bytes", lambda self, data: self.touch() or len(data))
    with pytest.raises(WriteError, match="cut: cannot be written: no space left on the disk"):
        write_text(tmp_path / "cut", "some text")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_a_mistake_within_is_no_refusal_of_the_disk(tmp_path):
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a"):
        _ = 1 / 0
    with pytest.raises(FileNotFoundError, match="other"), replacing(tmp_path / "a"):
        (tmp_path / "other").read_text()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "x"), "no space left on the disk"),
        (OSError(30, "x"), "Read-only file system"),
        (RuntimeError("Unable to flush (errno = 28, 'No space left on device')"), "no space left"),
        (OSError("Unable to create file: File name too long\nmore"), "Unable to create file"),
    ],
)
def test_causes(error, words):
    assert is_refusal(error)
    assert cause(error).startswith(words)
    assert not is_refusal(ValueError("no such class"))


def test_names_that_file_systems_just_take(tmp_path):
    for name in ("n" * 255, "ä" * 127):
        write_text(tmp_path / name, "whole")
        assert (tmp_path / name).read_text() == "whole"
    write_text(tmp_path / "a", "caf\udce9.jpg\n")
    assert (tmp_path / "a").read_text() == "caf?.jpg\n"


def test_a_held_folder_is_held_until_the_process_ends(tmp_path):
    code = (
        "import sys; from yolo_tf.files import hold_folder\n"
        f"print(hold_folder({str(tmp_path)!r}), flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    other = subprocess.Popen([sys.executable, "-c", code], **pipes)
    assert other.stdout.readline() == "True\n"
    assert not hold_folder(tmp_path)
    other.kill()
    other.communicate()
    assert hold_folder(tmp_path)
    assert hold_folder(tmp_path)  # by this process, as before
    assert not list(tmp_path.iterdir())
