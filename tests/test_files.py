import pytest

from yolo_tf.files import write_lines, write_text


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
