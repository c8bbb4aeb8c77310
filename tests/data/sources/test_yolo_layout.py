import pytest

from tests.data.yolo_folders import write_darknet, write_yaml, write_yolo
from yolo_tf.data.sources.yolo_layout import find_layout
from yolo_tf.errors import UserError

A = ["images/train/a0.jpg", "images/train/a1.jpg", "images/train/a2.jpg"]


def paths(given, split="train"):
    return [entry.path for entry in find_layout(str(given), split).entries]


@pytest.fixture
def root(tmp_path):
    return write_yolo(tmp_path / "set")


def test_plain_folders(tmp_path):
    root = write_yolo(tmp_path / "a")
    assert paths(root) == A
    assert find_layout(str(root), "train").class_names is None
    (root / "classes.txt").write_text("x\ny\n")
    assert find_layout(str(root), "train").class_names == ["x", "y"]
    roboflow = write_yolo(tmp_path / "b", "valid/images")
    assert paths(roboflow, "val") == paths(roboflow, "valid")
    assert paths(roboflow, "val")[0] == "valid/images/a0.jpg"


def test_other_files_are_no_images(root):
    for name in (".hidden.jpg", "notes.txt", "train.cache", "b.npy"):
        (root / "images/train" / name).touch()
    (root / "images/train/deep").mkdir()
    (root / "images/train/deep/B.JPEG").touch()
    assert paths(root) == [*A, "images/train/deep/B.JPEG"]


@pytest.mark.parametrize(
    "text",
    [
        "train: images/train",
        "path: ../set\ntrain: images/train",
        "path: /content/datasets/set\ntrain: images/train",
        "path: .\ntrain: ./images/train/",
        "path: images\ntrain: train",
        "train: ../images/train",
        "train: /content/set/images/train",
        r"train: C:\set\images\train",
        "train: [images/train]",
        "train: lists/train.txt",
        "train: [lists/one.txt, images/train/a1.jpg, lists/two.txt]",
    ],
)
def test_data_yaml(root, text):
    (root / "lists").mkdir()
    (root / "lists/train.txt").write_text("".join(f"/gone/{name}\n" for name in A))
    (root / "lists/one.txt").write_text(f"./../{A[0]}\n")
    (root / "lists/two.txt").write_text(f"\n  {A[2]}  \r\n")
    path = write_yaml(root, f"{text}\nval: images/train\nnames: {{0: cat, 1: dog}}\nnc: 2\n")
    assert paths(root) == paths(path) == A
    layout = find_layout(str(path), "train")
    assert (layout.class_names, layout.keypoint_values) == (["cat", "dog"], 0)
    assert paths(path, "valid") == A


def test_a_list_beside_its_images(root):
    (root / "images/train.txt").write_text("./train/a1.jpg\n")
    assert paths(write_yaml(root, "train: images/train.txt\nnames: [a]")) == A[1:2]


def test_the_only_description_of_a_folder_is_taken(root, tmp_path):
    write_yaml(root).rename(root / "cells.yaml")
    assert paths(root) == A  # plain folders
    (root / "images").rename(root / "photos")
    (root / "cells.yaml").write_text("train: photos/train\nnames: [a]")
    assert len(paths(root)) == 3
    (root / "more.yaml").write_text("train: photos/train\nnames: [a]")
    with pytest.raises(UserError, match=r"found cells.yaml, more.yaml: give one of them"):
        paths(root)
    write_darknet(tmp_path / "darknet")
    assert len(paths(tmp_path / "darknet")) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("val: images/train\nnames: [a]", "train: found no such split; splits there: val"),
        ("train: images/none\nnames: [a]", "train: found 'images/none', expected a folder or list"),
        ("train: ../../etc\nnames: [a]", r"train: found '../../etc', expected .* inside .*set/"),
        ("train: images/empty\nnames: [a]", "train: found no image in images/empty"),
        ("train: 5\nnames: [a]", "train: found 5, expected a folder, a list file"),
        ("train: [images/train, 3]\nnames: [a]", "train: found .*, expected a folder"),
        ("train: []\nnames: [a]", r"train: found \[\], expected"),
        ("path: [x]\ntrain: images/train", r"path: found \['x'\], expected a folder"),
    ],
)
def test_a_faulty_data_yaml(root, text, message):
    (root / "images/empty").mkdir()
    path = write_yaml(root, text)
    with pytest.raises(UserError, match=f"data.yaml: {message}"):
        paths(path)


def test_a_link_to_a_folder_is_followed_once(root, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store/x.jpg").touch()
    (tmp_path / "store/again").symlink_to(tmp_path / "store")
    (root / "images/val").symlink_to(tmp_path / "store")
    assert paths(root, "val") == ["images/val/x.jpg"]
    assert paths(write_yaml(root, "val: images/val\nnames: [a]"), "val") == ["images/val/x.jpg"]


def test_what_is_no_data_set(tmp_path):
    with pytest.raises(UserError, match="none: no such folder, expected"):
        paths(tmp_path / "none")
    with pytest.raises(UserError, match=r"found neither data.yaml nor a .data file, images/"):
        paths(tmp_path)
    (tmp_path / "x.json").touch()
    with pytest.raises(UserError, match=r"x.json: expected a folder, a data.yaml, a list of im"):
        paths(tmp_path / "x.json")
    (tmp_path / "images/train").mkdir(parents=True)
    with pytest.raises(UserError, match="train: found no image, expected at least one"):
        paths(tmp_path)


def test_faulty_darknet_files(tmp_path):
    data = write_darknet(tmp_path / "set")
    with pytest.raises(UserError, match=r"obj.data: val: found no such list; lists there: train"):
        paths(data, "val")
    for text, message in (
        ("train = gone.txt", "train: found 'gone.txt', expected a list of images inside"),
        ("train = train.txt\nnames = x", "names: found 'x', expected a file inside"),
        ("train = train.txt\nnames = obj.names\nclasses = 3", "classes: found '3', expected 2"),
        ("train = train.txt\nhello", "line 2: found 'hello', expected key = value"),
        ("train = train.txt\ntrain = b", "line 2: found 'train' twice"),
    ):
        data.write_text(text)
        with pytest.raises(UserError, match=f"obj.data: {message}"):
            paths(data)
    data.write_text("valid = train.txt\nnames = obj.names")
    assert len(paths(data, "val")) == 3
    (tmp_path / "set/train.txt").write_text("\n")
    with pytest.raises(UserError, match=r"train.txt: found no image, expected one a line"):
        paths(data, "valid")
    (tmp_path / "set/train.txt").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"train.txt: not readable as UTF-8 text"):
        paths(data, "valid")
