import pickle
import re

import numpy as np
import pytest
from PIL import Image

from tests.data.folders import NAMES, picture
from tests.data.yolo_folders import write_darknet, write_yaml, write_yolo
from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.yolo import YoloSource
from yolo_tf.errors import UserError


def source(path, split="train", names=NAMES):
    return YoloSource(Options(split, str(path), tuple(names) if names else None))


@pytest.fixture
def root(tmp_path):
    return write_yolo(tmp_path / "set")


def test_a_record(root):
    (root / "labels/train/a1.txt").write_text("1 0.5 0.25 0.5 0.5\r\n\n0 0.5 0.5 1 1\n")
    found = pickle.loads(pickle.dumps(source(root)))
    assert found.ids() == ["a0", "a1", "a2"]
    assert found.class_names == NAMES
    sample, issues = found.read("a1")
    assert issues == []
    assert (sample.source_id, sample.filename, sample.image_format) == ("a1", "a1.jpg", "jpeg")
    assert (sample.height, sample.width) == (40, 60)
    assert sample.image == (root / "images/train/a1.jpg").read_bytes()
    np.testing.assert_allclose(sample.boxes, [[0, 0.25, 0.5, 0.75], [0, 0, 1, 1]], atol=1e-7)
    assert sample.classes.tolist() == [1, 0]
    np.testing.assert_allclose(sample.area, [30 * 20, 60 * 40], rtol=1e-6)
    assert not sample.difficult.any()
    assert not sample.crowd.any()


def test_an_empty_label_file_says_that_there_is_no_object(root):
    sample, issues = source(root).read("a0")
    assert (len(sample.boxes), issues) == (0, [])


def test_a_missing_label_file_is_listed(root):
    (root / "labels/train/a1.txt").unlink()
    sample, (issue,) = source(root).read("a1")
    assert len(sample.boxes) == 0
    assert (issue.action, issue.fatal) == (checks.UNLABELLED, False)
    assert issue.file == "labels/train/a1.txt"


def test_no_label_file_at_all_is_a_wrong_layout(root):
    (root / "labels").rename(root / "annotations")
    with pytest.raises(UserError, match=r"no label file for any of 3 images, .*train/a0.txt"):
        source(root)


def test_polygons_become_boxes_and_are_counted(root):
    text = "0 0.5 0.5 1 1\n1 0.1 0.2 0.3 0.2 0.3 0.4 0.2 0.5\n1 0 0 1 0 1 1\n"
    (root / "labels/train/a1.txt").write_text(text)
    sample, (issue,) = source(root).read("a1")
    expected = [[0, 0, 1, 1], [0.2, 0.1, 0.5, 0.3], [0, 0, 1, 1]]
    np.testing.assert_allclose(sample.boxes, expected, atol=1e-7)
    assert (issue.action, issue.fatal) == (checks.POLYGONS_BOXED, False)
    assert (issue.file, issue.field) == ("labels/train/a1.txt", "lines 2 to 3")
    assert issue.found == "polygons: 2"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 0.5 0.5 0.5", r"line 2: found 4 values \('1 0.5 0.5 0.5'\), expected 5: class cx cy"),
        ("1 0.5 0.5 0.5 0.5 0.9", "line 2: found 6 values .* or a class and at least 3 points"),
        ("cat 0.5 0.5 0.5 0.5", "line 2: found 'cat 0.5 0.5 0.5 0.5', expected finite numbers"),
        ("1 0.5 nan 0.5 0.5", "line 2: found '1 0.5 nan 0.5 0.5', expected finite numbers"),
        ("1 0.5 1e999 0.5 0.5", "line 2: found '1 0.5 1e999 0.5 0.5', expected finite numbers"),
        ("2 0.5 0.5 0.5 0.5", "line 2: found class 2, expected a class from 0 to 1"),
        ("-1 0.5 0.5 0.5 0.5", "line 2: found class -1, expected a class from 0 to 1"),
        ("0.5 0.5 0.5 0.5 0.5", "line 2: found class 0.5, expected a class from 0 to 1"),
        ("1 30 20 10 10", "line 2: found '1 30 20 10 10', expected shares of the image's sides"),
        ("1 0.9 0.5 0.5 0.5", r"line 2: found 39, 10, 69, 30 \(outside\), expected a box inside"),
        ("1 0.5 0.5 -0.5 0.5", r"line 2: found 45, 10, 15, 30 \(inverted\)"),
    ],
)
def test_a_broken_line_is_named(root, line, message):
    (root / "labels/train/a1.txt").write_text(f"0 0.5 0.5 1 1\n{line}\n")
    sample, (issue,) = source(root).read("a1")
    assert sample.classes.tolist() == [0]
    assert issue.action == checks.BOX_SKIPPED
    assert re.match(f"labels/train/a1.txt: {message}", str(issue))


def test_a_box_without_area_and_the_last_digit(root):
    text = "0 0.5 0.5 0 0.5\n1 0.465001 0.5 0.930002 0.999999\n0 1.0 0.5 0.02 1\n"
    (root / "labels/train/a1.txt").write_text(text)
    sample, (empty, clipped) = source(root).read("a1")
    assert (empty.action, clipped.action) == (checks.EMPTY_BOX_SKIPPED, checks.BOX_CLIPPED)
    assert (empty.field, clipped.field) == ("line 1", "line 3")
    assert sample.classes.tolist() == [1, 0]
    assert (sample.boxes >= 0).all()
    assert (sample.boxes <= 1).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00\x01", "labels: found .*expected UTF-8 text"),
        (b"x\n" * 200, "line 101: found more than 100 broken lines, expected lines 'class cx cy"),
    ],
)
def test_a_file_that_holds_no_labels(root, content, message):
    (root / "labels/train/a1.txt").write_bytes(content)
    with pytest.raises(BadRecord, match=f"labels/train/a1.txt: {message}"):
        source(root).read("a1")


def test_images_are_upright_as_viewers_show_them(root):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(root / "images/train/a1.jpg", exif=exif)
    sample, (issue,) = source(root).read("a1")
    assert (sample.height, sample.width) == (60, 40)
    assert issue.action == checks.IMAGE_TURNED


def test_images_of_the_same_name_go_by_their_path(root):
    write_yolo(root, "images/train/more", 1)
    assert source(root).ids() == [f"images/train/{n}" for n in ("a0", "a1", "a2", "more/a0")]
    (root / "images/train/a1.png").write_bytes(picture(kind="PNG"))
    assert "images/train/a1.png" in source(root).ids()
    assert source(root).read("images/train/a1.png")[0].filename == "a1.png"


def test_another_order_of_the_classes(root):
    write_yaml(root)
    found = source(root, names=["dog", "horse", "cat"])
    assert found.class_names == ["dog", "horse", "cat"]
    assert found.read("a2")[0].classes.tolist() == [2, 0]
    (root / "data.yaml").unlink()
    with pytest.raises(UserError, match=r"found no class names, expected a classes\.txt"):
        source(root, names=None)


def test_links_that_lie_in_the_folder_are_followed(root, tmp_path):
    (tmp_path / "store.jpg").write_bytes(picture())
    (root / "images/train/b.jpg").symlink_to(tmp_path / "store.jpg")
    (tmp_path / "store.txt").write_text("1 0.5 0.5 1 1\n")
    (root / "labels/train/b.txt").symlink_to(tmp_path / "store.txt")
    sample, issues = source(root).read("b")
    assert (sample.classes.tolist(), issues) == ([1], [])


def test_darknet(tmp_path):
    data = write_darknet(tmp_path / "set")
    found = source(data, names=None)
    assert (found.ids(), found.class_names) == (["a0", "a1", "a2"], NAMES)
    assert found.read("a2")[0].classes.tolist() == [0, 1]
    assert source(data.parent, names=None).ids() == found.ids()


def test_images_of_a_list_that_are_not_there(tmp_path):
    lines = ["/home/me/set/obj/a1.jpg", "gone/b.jpg", r"C:\set\obj\a2.jpg", "../../etc/passwd"]
    found = source(write_darknet(tmp_path / "set", lines=lines))
    assert found.ids() == ["a1", "b", "a2", "passwd"]
    assert found.read("a1")[0].filename == "a1.jpg"
    assert found.read("a2")[0].filename == "a2.jpg"
    with pytest.raises(BadRecord, match=r"train.txt: line 2: found 'gone/b.jpg', expected an ima"):
        found.read("b")
    with pytest.raises(BadRecord, match=r"train.txt: line 4: .*expected an image inside set/"):
        found.read("passwd")


def test_an_image_that_is_listed_twice(tmp_path):
    lines = ["obj/a1.jpg", "obj/a2.jpg", "./obj/a1.jpg"]
    found = source(write_darknet(tmp_path / "set", lines=lines))
    (issue,) = found.issues
    assert str(issue).startswith("train.txt: line 3: found './obj/a1.jpg', expected every image")
    assert (issue.action, found.ids()) == (checks.IMAGE_SKIPPED, ["a1", "a2"])
