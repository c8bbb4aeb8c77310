import os

import pytest

from yolo_tf.data.records.card import find_card, update_card
from yolo_tf.data.records.files import find_shards, read_records, record_lengths
from yolo_tf.data.records.writing import shard_name, write_shard
from yolo_tf.errors import UserError


def shards(folder, count, records, split="train"):
    paths = [folder / shard_name("toy", split, index, count) for index in range(count)]
    for index, path in enumerate(paths):
        write_shard(path, records[index::count])
    return paths


def contents(paths):
    return [record for _, _, record in read_records(paths)]


def test_patterns(tmp_path):
    paths = [str(p) for p in shards(tmp_path, 2, [b"a", b"b"])]
    more = [str(p) for p in shards(tmp_path, 1, [b"c"], split="val")]
    (tmp_path / "toy.json").write_text("{}")
    (tmp_path / ".toy-train.tfrecord-00000-of-00009.1.tmp").touch()
    assert find_shards(f"{tmp_path}/toy-train*") == paths
    assert find_shards(f"{tmp_path}/toy-val*, {tmp_path}/toy-train*") == paths + more
    assert find_shards(f"{tmp_path}/*") == paths + more
    assert find_shards(paths[1]) == paths[1:]
    assert find_shards(f"{tmp_path}/toy-train*,{paths[0]}") == paths


@pytest.mark.parametrize("name", ["set[1]", "what?", "all*", "a,b", "b\\c"])
def test_folders_are_taken_as_they_are_named(tmp_path, name):
    for folder in (name, "set1", "whats", "all1", "a"):
        (tmp_path / folder).mkdir()
        shards(tmp_path / folder, 2, [b"a", b"b"])
    paths = [str(tmp_path / name / shard_name("toy", "train", n, 2)) for n in range(2)]
    assert find_shards(f"{tmp_path}/{name}/toy-train*") == paths
    update_card(tmp_path / name / "toy.json", "toy", ["a"], "train", {})
    assert find_card(f"{tmp_path}/{name}/toy-train*") == tmp_path / name / "toy.json"
    (tmp_path / name / shard_name("toy", "train", 1, 2)).unlink()
    with pytest.raises(UserError, match="found 1 of 2 shards"):
        find_shards(f"{tmp_path}/{name}/toy-train*")


def test_the_card_of_a_pattern_of_folders(tmp_path):
    (tmp_path / "s1").mkdir()
    shards(tmp_path / "s1", 1, [b"a"])
    update_card(tmp_path / "s1" / "toy.json", "toy", ["a"], "train", {})
    assert find_card(f"{tmp_path}/s?/toy-train*") == tmp_path / "s1" / "toy.json"


def test_pipes_are_no_shards(tmp_path):
    os.mkfifo(tmp_path / "toy-train.tfrecord")
    for pattern in ("toy-train*", "toy-train.tfrecord"):
        with pytest.raises(UserError, match="no file matches"):
            find_shards(f"{tmp_path}/{pattern}")


def test_patterns_that_fail(tmp_path):
    for pattern, message in (
        ("", "expected a path or glob"),
        (f"{tmp_path}/none*", r"none\*: no file matches"),
        (f"{tmp_path}", "no file matches"),
    ):
        with pytest.raises(UserError, match=message):
            find_shards(pattern)


def test_an_incomplete_set_is_refused(tmp_path):
    paths = shards(tmp_path, 3, [b"a", b"b", b"c"])
    paths[1].unlink()
    with pytest.raises(UserError, match=r"toy-train.tfrecord: found 2 of 3 shards"):
        find_shards(f"{tmp_path}/toy-train*")
    assert len(find_shards(f"{paths[0]},{paths[2]}")) == 2


def test_two_sets_of_a_split_are_refused(tmp_path):
    first = shards(tmp_path, 1, [b"a"])[0]
    first.rename(tmp_path / "kept")
    shards(tmp_path, 2, [b"a", b"b"])
    (tmp_path / "kept").rename(first)
    with pytest.raises(UserError, match="found shards of 1 and of 2, expected one set"):
        find_shards(f"{tmp_path}/toy-train*")


def test_damaged_files_are_named(tmp_path):
    (path,) = shards(tmp_path, 1, [b"a" * 50, b"b" * 50])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match=r"00000-of-00001: record 2: missing, truncated"):
        contents([path])
    with pytest.raises(UserError, match="none: record 1: missing"):
        contents([tmp_path / "none"])


@pytest.mark.parametrize("length", [51, 2**33, 2**40, 2**63, 2**64 - 4, 2**64 - 1])
def test_a_length_beyond_the_file_is_no_reason_to_fill_the_memory(tmp_path, length):
    (path,) = shards(tmp_path, 1, [b"a" * 50, b"b" * 50])
    content = bytearray(path.read_bytes())
    content[66:78] = frame(length)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"00000-of-00001: record 2: missing, truncated"):
        contents([path])
    with pytest.raises(UserError, match=r"00000-of-00001: record 2: missing, truncated"):
        list(record_lengths(str(path)))


def frame(length):
    """What stands before a record: its length and the right checksum (CRC-32C, masked)."""
    data = length.to_bytes(8, "little")
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    masked = ((crc >> 15) | (crc << 17)) + 0xA282EAD8
    return data + (masked & 0xFFFFFFFF).to_bytes(4, "little")


def test_lengths(tmp_path):
    (path,) = shards(tmp_path, 1, [b"a" * 50, b"", b"b" * 7])
    assert path.read_bytes()[:12] == frame(50)
    assert list(record_lengths(str(path))) == [50, 0, 7]
    (tmp_path / "empty").touch()
    assert contents([tmp_path / "empty"]) == []
