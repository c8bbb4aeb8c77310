import pytest

from yolo_tf.data.checks import BadRecord
from yolo_tf.data.sources.image_finder import ImageFinder, leads_out
from yolo_tf.data.sources.listing import Listing


def finder(root, *files):
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return ImageFinder(Listing(root))


@pytest.mark.parametrize(
    ("written", "near", "split", "found"),
    [
        ("1.jpg", "train", "", "train/1.jpg"),
        ("1.jpg", "", "val", "val/1.jpg"),
        ("1.jpg", "labels/val", "", "val/1.jpg"),
        ("val/1.jpg", "", "", "val/1.jpg"),
        (r"C:\me\val\1.jpg", "", "", "val/1.jpg"),
        ("https://example.com/val/1.jpg", "", "", "val/1.jpg"),
        ("2.jpg", "train", "", None),  # that of another split is another image
        ("val/3.jpg", "", "", None),  # and so is that of another folder
        ("0123abcd-2.jpg", "", "", "val/2.jpg"),
        ("", "", "", None),
        ("a\0b", "", "", None),
    ],
)
def test_which_image_is_meant(tmp_path, written, near, split, found):
    images = finder(tmp_path, "train/1.jpg", "val/1.jpg", "val/2.jpg", "train/3.jpg")
    assert images.find(written, near, split) == found


def test_two_that_fit_alike(tmp_path):
    images = finder(tmp_path, "a/1.jpg", "b/1.jpg", "b/2.PNG")
    with pytest.raises(BadRecord, match=r"found '1.jpg', which is a/1.jpg and b/1.jpg"):
        images.image("1.jpg", "id", "x.json", "file_name")
    assert images.find_stem("2", "") == "b/2.PNG"


def test_cameras_of_two_numbers(tmp_path):
    images = finder(tmp_path, "image_2/1.png", "image_3/1.png")
    assert images.find_stem("1", "label_3") == "image_3/1.png"


@pytest.mark.parametrize(
    ("written", "near", "leads"),
    [
        ("../a.jpg", "labels", False),
        ("../a.jpg", "", True),
        ("..\\..\\a.jpg", "labels", True),
        ("a/../../b/../../x.jpg", "l", True),
        ("a/../b.jpg", "", False),
    ],
)
def test_paths_that_lead_out(written, near, leads):
    assert leads_out(written, near) is leads
