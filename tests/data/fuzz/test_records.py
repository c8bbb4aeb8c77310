import json

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tests.data.fuzz.run import check_line, damaged, fuzz, fuzz_slow, in_time, read_all
from tests.data.records.made import NAMES, record, write
from tests.data.records.test_files import frame
from yolo_tf.data.records.card import read_card
from yolo_tf.data.records.label_map import read_label_map
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.records import RecordSource
from yolo_tf.errors import UserError

pytestmark = pytest.mark.long

BOX = [0.1, 0.2, 0.5, 0.6]
GOOD = record("r", [BOX, BOX], [0, 2])
LENGTHS = st.sampled_from([0, 1, 15, 16, 2**31, 2**32, 2**40, 2**63, 2**64 - 17, 2**64 - 1])
KEYS = [
    b"\x0a",
    b"\x12",
    b"\x1a",
    b"\xff" * 10,
    b"\x80" * 12,
    b"image/encoded",
    b"class/label",
    b"\0",
]
CARD = json.dumps({"name": "x", "classes": ["a", "b"], "splits": {"train": {"bytes": 3}}}).encode()
TEXT = b"item {\n  id: 1\n  name: 'a'\n}\nitem { name: 'b' id: 2 display_name: 'c' }\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def file(folder):
    """The bytes of a good file."""
    path = write(folder, [[GOOD, record("s")]])
    return tf.io.gfile.glob(path)[0], tf.io.gfile.GFile(tf.io.gfile.glob(path)[0], "rb").read()


def read(path):
    read_all(lambda: RecordSource(Options("train", path, class_names=tuple(NAMES))))


@given(st.data())
@fuzz_slow
def test_damaged_files(file, data):
    path, good = file
    content = data.draw(damaged(good, [b"\0" * 12, b"\xff" * 8, good]))
    with open(path, "wb") as stream:
        stream.write(content)
    read(path)


@given(LENGTHS | st.integers(0, 2**64 - 1), st.binary(max_size=40))
@fuzz_slow
def test_lengths_with_the_right_checksum(file, length, rest):
    path, good = file
    with open(path, "wb") as stream:
        stream.write(good + frame(length) + rest)
    read(path)


@given(damaged(GOOD, KEYS))
@fuzz_slow
def test_damaged_examples(folder, serialized):
    read(write(folder, [[serialized, record("s")]]))


@pytest.mark.parametrize(
    ("name", "good", "tokens", "parse"),
    [
        ("x.json", CARD, [b"{", b"]", b'"', b"null", b"NaN", b"[" * 9999, b"\xff"], read_card),
        (
            "x.pbtxt",
            TEXT,
            [
                b"item {",
                b"}",
                b"'",
                b"id: ",
                b"-",
                b"9" * 30,
                b"#",
                b"name: '\\n'",
                b"x { " * 3000,
                b"[a.b] { }",
                b"\0",
                b"\xff",
            ],
            read_label_map,
        ),
    ],
)
@given(st.data())
@fuzz
def test_damaged_texts(folder, name, good, tokens, parse, data):
    path = folder / name
    path.write_bytes(data.draw(damaged(good, tokens)))
    with in_time():
        try:
            parse(path)
        except UserError as error:
            check_line(error)
