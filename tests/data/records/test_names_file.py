import pytest

from yolo_tf.data.records.label_map import read_names
from yolo_tf.errors import UserError


@pytest.mark.parametrize(
    "content",
    [b"cat\ndog\n", b"cat\ndog", b"\xef\xbb\xbfcat\r\ndog\r\n\r\n", b" cat \ndog\n\n\n"],
)
def test_names_files(tmp_path, content):
    (tmp_path / "x.names").write_bytes(content)
    assert read_names(tmp_path / "x.names") == ["cat", "dog"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found no class name"),
        (b"\n\n", "found no class name"),
        (b"cat\n\ndog\n", "line 2: found '', expected a class name"),
        (b"cat\ndog\ncat\n", "line 3: found 'cat', which line 1 has"),
        (b"\xff\xfe", "not readable as a class-name file"),
    ],
)
def test_faulty_names_files(tmp_path, content, message):
    (tmp_path / "x.names").write_bytes(content)
    with pytest.raises(UserError, match=f"x.names: {message}"):
        read_names(tmp_path / "x.names")
    with pytest.raises(UserError, match=r"missing.names: not readable"):
        read_names(tmp_path / "missing.names")


def test_a_label_map_is_a_names_file_too(tmp_path):
    path = tmp_path / "x.pbtxt"
    path.write_text("item { id: 9 name: 'b' }\nitem { id: 2 name: '/m/1' display_name: 'a' }")
    assert read_names(path) == ["a", "b"]
