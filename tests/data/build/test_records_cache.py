import pytest

from tests.data.folders import picture
from tests.data.layouts import one_file, per_image
from yolo_tf.data.build.records_cache import open_data
from yolo_tf.data.records.card import read_card
from yolo_tf.data.records.files import find_shards
from yolo_tf.data.sources.base import Options
from yolo_tf.errors import UserError


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "my images"
    root.mkdir()
    per_image.YOLO_LAYOUTS["flat"](root)
    return root


def test_records_are_built_once(root, tmp_path, capsys):
    found = open_data(str(root), tmp_path / "records")
    assert found.classes == ("fox", "grey wolf")
    assert list(found.patterns) == ["train", "val"]
    assert [len(find_shards(found.pattern(split))) for split in ("train", "val")] == [1, 1]
    assert "built train: 3 images" in capsys.readouterr().out
    assert open_data(str(root), tmp_path / "records") == found
    assert "as built before" in capsys.readouterr().out
    assert open_data(found.card, tmp_path / "none") == found
    assert open_data(str(tmp_path / "records"), tmp_path / "none") == found
    assert not (tmp_path / "none").exists()


def boxes(found) -> int:
    return sum(entry["boxes"] for entry in read_card(found.card).splits.values())


def test_a_change_is_noticed(root, tmp_path, capsys):
    assert boxes(open_data(str(root), tmp_path / "records")) == 6
    (root / "w1.txt").write_text("0 0.5 0.5 0.2 0.2\n1 0.5 0.5 0.4 0.4\n")
    assert boxes(open_data(str(root), tmp_path / "records")) == 7
    assert "changed since the records" in capsys.readouterr().out
    (root / "classes.txt").write_text("fox\ngrey wolf\nowl\n")
    assert open_data(str(root), tmp_path / "records").classes == ("fox", "grey wolf", "owl")
    (root / "new.jpg").write_bytes(picture(seed=77))
    (root / "new.txt").write_text("2 0.5 0.5 0.2 0.2\n")
    assert boxes(open_data(str(root), tmp_path / "records")) == 8
    listed = tmp_path / "records/my_images.splits.txt"
    listed.write_text(listed.read_text().replace("train\tnew", "val\tnew"))
    found = open_data(str(root), tmp_path / "records")
    assert read_card(found.card).splits["val"]["images"] >= 2


def test_records_of_chosen_classes_lie_beside_others(root, tmp_path):
    every = open_data(str(root), tmp_path / "records")
    some = open_data(str(root), tmp_path / "records", options=Options("", only_classes=("fox",)))
    one = open_data(str(root), tmp_path / "records", options=Options("", single_class="animal"))
    assert [found.classes for found in (every, some, one)] == [
        ("fox", "grey wolf"),
        ("fox",),
        ("animal",),
    ]
    assert (boxes(every), boxes(some), boxes(one)) == (6, 4, 6)
    assert read_card(every.card).classes == ["fox", "grey wolf"]


def test_the_share_for_validation(root, tmp_path):
    assert list(open_data(str(root), tmp_path / "records", val_fraction=0).patterns) == ["train"]


def test_splits_by_their_roles(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    one_file.COCO["of COCO, with captions beside"](root)
    found = open_data(str(root), tmp_path / "records")
    assert list(found.patterns) == ["train2017", "val2017"]
    assert found.pattern("val") == found.patterns["val2017"]
    with pytest.raises(UserError, match="test: found no such split; splits there: train2017, val"):
        found.pattern("test")


def test_what_is_no_folder():
    assert open_data("tfds:voc/2012:train", "x").patterns == {"train": "tfds:voc/2012:train"}
    assert open_data("old/a.tfrecord-*", "x").patterns == {"train": "old/a.tfrecord-*"}
    with pytest.raises(UserError, match="no such file or folder"):
        open_data("gone", "x")
