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


@pytest.mark.parametrize(
    ("content", "names", "said"),
    [
        ("# my classes\ncat\ndog\n", ["cat", "dog"], "line 1: '# my classes' begins with #"),
        ('"cat"\n"grey wolf"\n', ["cat", "grey wolf"], "line 1: names in quotation marks"),
        ("cat,grey wolf\n", ["cat", "grey wolf"], "line 1: 2 class names with commas between"),
        ("['cat', 'dog']", ["cat", "dog"], "line 1: 2 class names with commas between"),
        ("cat;grey wolf\n", ["cat", "grey wolf"], "line 1: 2 class names with semicolons"),
        ("- cat\n- dog\n", ["cat", "dog"], "line 1: dashes in front are no part"),
        ("0: cat\n1: dog\n", ["cat", "dog"], "line 1: '0: cat': the numbers in front"),
        ("1 cat\n2 dog\n", ["cat", "dog"], "line 1: '1 cat': the numbers in front"),
        ("7 up\n8 ball\n", ["7 up", "8 ball"], ""),
        ("cat\ndog, wild\n", ["cat", "dog, wild"], "line 2: 'dog, wild' has a comma"),
        ("cat\ndog\nCat\n", ["cat", "dog", "Cat"], "line 3: 'Cat' and 'cat' differ by case"),
    ],
)
def test_what_people_write_beside_names_is_mended_and_said(tmp_path, capsys, content, names, said):
    (tmp_path / "x.names").write_text(content)
    assert read_names(tmp_path / "x.names") == names
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") <= (2 if "[" in content else 1) if said else err == ""
    read_names(tmp_path / "x.names")
    assert capsys.readouterr().err == ""  # once is enough
