import math
import struct
from math import nan
from pathlib import Path

import pytest
import tensorflow as tf

from tests.data.records.made import NAMES, edited, record, write
from yolo_tf.config import DataConfig
from yolo_tf.data.input.pipeline import evaluation_dataset
from yolo_tf.data.records.bad_records import readable_errors
from yolo_tf.data.records.open_records import Records
from yolo_tf.data.records.statistics import record_statistics
from yolo_tf.errors import UserError


def read_all(pattern):
    records = Records.unchecked(pattern, NAMES)
    with readable_errors(records):
        return sum(1 for _ in evaluation_dataset(records, DataConfig(), (32, 32), 1))


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
        (b"\xff" * 40, "not a record of this format"),
        (b"\x0a\x05\xff\xfe\xfd\xfc\xfb", "not a record of this format: 7 bytes"),
        (b"", "not a record of this format"),
        (
            record("odd", [[0, 0, 1, 1]], [7]),
            "image 'odd' has a class that is not in the list of names: box 1 has the text 'unheard",
        ),
        (
            edited(record("odd", [[0, 0, 1, 1]] * 2), image__object__class__text=[b"red", b""]),
            "image 'odd' has a class .*: box 2 has the text ''",
        ),
        (
            edited(
                record("odd", [[0, 0, 1, 1]]),
                drop=["image/object/class/text"],
                image__object__class__label=[99],
            ),
            "image 'odd' has a class .*: box 1 has the label 99",
        ),
        (
            edited(
                record("odd", [[0, 0, 1, 1]]), image__object__class__text=[b"\x1b" + b"a" * 10**6]
            ),
            r"image 'odd' has a class .*: box 1 has the text '\\x1ba{,80}\.\.\.$",
        ),
        (record("odd", [[0, 0, 1, 1], [0, nan, 1, 1]]), "image 'odd': box 2: found .*nan"),
        (record("odd", [[0, 0, math.inf, 1]]), "image 'odd': box 1: found .*inf"),
        (record("odd", [[0.5, 0, 0.4, 1]]), "image 'odd': box 1: .*the smaller first"),
        (record("odd", [[0, 0.5, 1, 0.4]]), "image 'odd': box 1: .*the smaller first"),
        (record("odd", [[3, 4, 20, 30]]), "image 'odd': box 1: .*shares of the image's sides"),
        (record("odd", [[-0.2, 0, 1, 1]]), "image 'odd': box 1: .*shares of the image's sides"),
        (record("odd", [[0, 0, 1, 1.2]], crowd=[True]), "image 'odd': box 1: .*shares"),
    ],
)
def test_a_bad_record_is_named(tmp_path, bad, message):
    pattern = write(tmp_path, [good(2), [*good(1), bad, *good(1)]])
    with pytest.raises(UserError, match=rf"00001-of-00002: record 2: {message}") as caught:
        read_all(pattern)
    assert "\n" not in str(caught.value)


def test_boxes_that_round_out_of_their_image_are_boxes(tmp_path):
    boxes = [[-0.01, 0, 1.05, 1], [0.5, 0.5, 0.5, 0.5]]
    assert read_all(write(tmp_path, [[record("a", boxes), record("b")]])) == 2


def test_a_length_beyond_the_file_is_no_crash(tmp_path):
    pattern = write(tmp_path, [good(2), good(3)])
    path = Path(second_shard(tmp_path))
    first = 12 + struct.unpack("<Q", path.read_bytes()[:8])[0] + 4
    content = bytearray(path.read_bytes())
    # Length 2**40 with the checksum that belongs to it.
    content[first : first + 12] = struct.pack("<Q", 2**40) + bytes.fromhex("aa3d6be4")
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"00001-of-00002: record 2: .*truncated or corrupted"):
        read_all(pattern)
    with pytest.raises(UserError, match=r"00001-of-00002: record 2: .*truncated or corrupted"):
        record_statistics(Records(pattern, [str(path)], NAMES), (32, 32), 10)


def test_statistics_name_the_record_of_a_box(tmp_path):
    shards = [good(2), [*good(1), record("odd", [[0, 0, 1, 1], [0, nan, 1, 1]])]]
    records = Records.unchecked(write(tmp_path, shards), NAMES)
    with pytest.raises(UserError, match=r"00001-of-00002: record 2: image 'odd': box 2: found"):
        record_statistics(records, (32, 32), 10)


def test_other_errors_pass_unchanged(tmp_path):
    pattern = write(tmp_path, [good(1)])
    records = Records.unchecked(pattern, NAMES)
    with pytest.raises(tf.errors.InvalidArgumentError), readable_errors(records):
        tf.reshape(tf.zeros([3]), [2, tf.constant(2)])
