import pytest

from yolo_tf.files import csv_text, write_lines, write_text


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "results.csv"
    write_text(path, "old")

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="disk full"):
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
