"""What --input names."""

import pytest

from yolo_tf.detect.inputs import find_inputs, is_live
from yolo_tf.errors import UserError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.JPG", "a.png", "c.webp", "film.MP4", "a,b.png", "a[1].png", "deep/e.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def found(folder, source):
    pictures, videos = find_inputs(source.replace("@", str(folder)))
    return [str(path).replace(f"{folder}/", "") for path in (*pictures, *videos)]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("@", ["a,b.png", "a.png", "a[1].png", "b.JPG", "c.webp"]),
        ("@/?.png", ["a.png"]),
        ("@/**/*.jpg", ["deep/e.jpg"]),
        ("@/a[1].png", ["a[1].png"]),
        ("@/a,b.png", ["a,b.png"]),
        ("@/c.webp, @/?.png,@/deep,@/a.png", ["c.webp", "a.png", "deep/e.jpg"]),
        ("@/film.MP4,@/a.png", ["a.png", "film.MP4"]),
    ],
)
def test_images_folders_patterns_and_several(folder, source, names):
    assert found(folder, source) == names


def test_a_list_is_relative_to_itself_and_keeps_its_order(folder):
    lines = ["\ufeffe.jpg", "", "../a.png ", str(folder / "b.JPG"), "gone.jpg", "../film.MP4"]
    (folder / "deep" / "list.txt").write_text("\r\n".join(lines), encoding="utf-8")
    expected = ["deep/e.jpg", "deep/../a.png", "b.JPG", "deep/gone.jpg", "deep/../film.MP4"]
    assert found(folder, "@/deep/list.txt") == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("deep/..//none", "no such file or folder, and no file matches"),
        ("*.jpg", "no such file or folder, and no file matches"),
        ("empty", "no image .* in this folder"),
        ("blank.txt", "an empty list, expected the path of an image a line"),
        ("latin.txt", "not readable as a list of images: .utf-8. codec"),
    ],
)
def test_nothing_to_find(folder, name, message):
    (folder / "empty").mkdir()
    (folder / "blank.txt").write_text("\n\n")
    (folder / "latin.txt").write_bytes(b"caf\xe9.jpg")
    with pytest.raises(UserError, match=message) as caught:
        find_inputs(f"{folder}/{name}")
    assert str(caught.value).startswith(f"--input={folder}/{name}: ")
    with pytest.raises(UserError, match=message):
        find_inputs(f"{folder}/a.png,{folder}/{name}")


def test_cameras(tmp_path, monkeypatch):
    for source in ("0", "rtsp://user:secret@host/a,b"):
        assert find_inputs(source) == ([], [source])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0").write_bytes(b"")
    assert not is_live("0")  # a file of that name
