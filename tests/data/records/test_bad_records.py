from pathlib import Path

import pytest
import tensorflow as tf

from tests.data.records.made import NAMES, record, write
from yolo_tf.config import DataConfig
from yolo_tf.data.input.pipeline import evaluation_dataset
from yolo_tf.data.records.bad_records import readable_errors
from yolo_tf.errors import UserError


def read_all(pattern):
    with readable_errors(["", pattern], NAMES):
        return sum(1 for _ in evaluation_dataset(pattern, DataConfig(), (32, 32), 1, NAMES))


def good(count):
    return [record(f"g{i}") for i in range(count)]


def second_shard(folder):
    return next(folder.glob("*00001-of-00002"))


def test_good_records_pass(tmp_path):
    assert read_all(write(tmp_path, [good(2), good(3)])) == 5


def test_a_truncated_shard_is_named(tmp_path):
    pattern = write(tmp_path, [good(2), good(3)])
    path = Path(second_shard(tmp_path))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"00001-of-00002: record 3: .*truncated or corrupted"):
        read_all(pattern)


def test_a_flipped_byte_is_named(tmp_path):
    pattern = write(tmp_path, [good(2), good(3)])
    path = Path(second_shard(tmp_path))
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"00001-of-00002: record 1: .*truncated or corrupted"):
        read_all(pattern)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (record("broken", image=b"\xff\xd8\xff no jpeg"), "image 'broken' cannot be decoded"),
        (b"no example", "not a record of this format"),
        (record("odd", [[0, 0, 1, 1]], [7]), "image 'odd' has a class that is not in the list"),
    ],
)
def test_a_bad_record_is_named(tmp_path, bad, message):
    pattern = write(tmp_path, [good(2), [*good(1), bad, *good(1)]])
    with pytest.raises(UserError, match=rf"00001-of-00002: record 2: {message}") as caught:
        read_all(pattern)
    assert "\n" not in str(caught.value)


def test_other_errors_pass_unchanged(tmp_path):
    pattern = write(tmp_path, [good(1)])
    with pytest.raises(tf.errors.InvalidArgumentError), readable_errors([pattern], NAMES):
        tf.reshape(tf.zeros([3]), [2, tf.constant(2)])
