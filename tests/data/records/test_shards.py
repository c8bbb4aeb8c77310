import pytest

from yolo_tf.data.records.writing import shard_name, split_shards, write_shard
from yolo_tf.errors import UserError


def test_shards_are_found_by_split(tmp_path):
    paths = [tmp_path / shard_name("toy", "train", index, 2) for index in range(2)]
    for path in (*paths, tmp_path / shard_name("toy", "train-2", 0, 1)):
        write_shard(path, [b"a"])
    assert paths[1].name == "toy-train.tfrecord-00001-of-00002"
    assert split_shards(tmp_path, "toy", "train") == paths


def test_a_failed_shard_leaves_the_old_one(tmp_path):
    path = tmp_path / "shard"
    size = write_shard(path, [b"old"])

    def failing():
        yield b"new record"
        raise UserError("bad data")

    with pytest.raises(UserError, match="bad data"):
        write_shard(path, failing())
    assert [p.name for p in tmp_path.iterdir()] == ["shard"]
    assert path.stat().st_size == size
    with pytest.raises(UserError, match="shards cannot be written"):
        write_shard(tmp_path / "none/shard", [b"a"])
