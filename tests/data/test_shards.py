import pytest

from tests.data.test_record_files import contents, shards
from yolo_tf.data.tfrecord import find_shards
from yolo_tf.errors import UserError


def test_shards_are_named_and_filled_in_turns(tmp_path):
    paths = shards(tmp_path, 2, [b"a", b"b", b"c"])
    names = ["toy-train.tfrecord-00000-of-00002", "toy-train.tfrecord-00001-of-00002"]
    assert [p.name for p in paths] == names
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    assert contents(paths) == [b"a", b"c", b"b"]


def test_old_shards_of_the_split_go(tmp_path):
    shards(tmp_path, 3, [b"old"] * 3)
    other = shards(tmp_path, 1, [b"kept"], split="train-2")
    paths = shards(tmp_path, 2, [b"a", b"b"])
    assert sorted(tmp_path.iterdir()) == sorted([*paths, *other])
    assert find_shards(f"{tmp_path}/toy-train.tfrecord*") == [str(p) for p in paths]


def test_a_failed_build_leaves_the_old_shards(tmp_path):
    paths = shards(tmp_path, 2, [b"a", b"b"])

    def failing():
        yield b"new"
        raise UserError("bad data")

    with pytest.raises(UserError, match="bad data"):
        shards(tmp_path, 3, failing())
    with pytest.raises(UserError, match=r"1 records for 3 shards.*--shards=1"):
        shards(tmp_path, 3, [b"new"])
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert contents(paths) == [b"a", b"b"]


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="not a folder to write to"):
        shards(tmp_path / "file", 1, [b"a"])
