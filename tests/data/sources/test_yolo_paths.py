import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_tf.data.sources.yolo_paths import find_images, label_files, locate


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        ("images/train/a.jpg", ["labels/train/a.txt", "images/train/a.txt"]),
        ("train/images/a.b.jpeg", ["train/labels/a.b.txt", "train/images/a.b.txt"]),
        ("images/x/images/a.png", ["images/x/labels/a.txt", "images/x/images/a.txt"]),
        ("VOC/JPEGImages/1.jpg", ["VOC/labels/1.txt", "VOC/JPEGImages/1.txt"]),
        (
            "images/JPEGImages/1.jpg",
            ["labels/JPEGImages/1.txt", "images/labels/1.txt", "images/JPEGImages/1.txt"],
        ),
        ("obj/images.jpg", ["obj/images.txt"]),
        ("images", ["images.txt"]),
    ],
)
def test_where_labels_lie(image, labels):
    assert label_files(image) == labels


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    base = tmp_path_factory.mktemp("paths")
    for name in ("set/a/b/1.jpg", "set/b/1.jpg", "set/b/2.jpg", "secret.jpg"):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).touch()
    (base / "set/link.jpg").symlink_to(base / "secret.jpg")
    return base / "set"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("b/1.jpg", "b/1.jpg"),
        ("./b//1.jpg ", "b/1.jpg"),
        ("/content/a/b/1.jpg", "a/b/1.jpg"),  # the longest end that exists
        ("/content/x/b/1.jpg", "b/1.jpg"),
        (r"D:\data\b\2.jpg", "b/2.jpg"),
        ("../b/2.jpg", "b/2.jpg"),
        ("a", "a"),
        ("a/../b/2.jpg", "b/2.jpg"),
        ("../secret.jpg", None),
        ("link.jpg", "link.jpg"),  # a link that lies there
        ("3.jpg", None),
        ("", None),
        (".", None),
        ("..", None),
        ("b/1.jpg\0", None),
        ("x" * 5000, None),
        ("x/" * 5000, None),
    ],
)
def test_paths_of_another_machine(root, written, found):
    assert locate(root, written) == (root / found if found else None)


@given(st.text(st.sampled_from("ab12./\\:~\0 \n"), max_size=30))
def test_no_path_leaves_the_folder(root, written):
    found = locate(root, written)
    assert found is None or (found.is_relative_to(root) and ".." not in found.parts)


def test_images_of_a_folder(root):
    assert find_images(root, root) == ["a/b/1.jpg", "b/1.jpg", "b/2.jpg", "link.jpg"]
    assert find_images(root, root / "a") == ["a/b/1.jpg"]
