import json
from pathlib import Path

import pytest
import tensorflow as tf

from tests.data.records import NAMES, record, write
from yolo_tf.data.card import update_card
from yolo_tf.data.names import check_classes, find_names, read_names
from yolo_tf.data.tfrecord import find_shards
from yolo_tf.errors import UserError

BOX = [[0, 0, 1, 1]]


@pytest.mark.parametrize(
    "content",
    [b"cat\ndog\n", b"cat\ndog", b"\xef\xbb\xbfcat\r\ndog\r\n\r\n", b" cat \ndog\n\n\n"],
)
def test_names_files(tmp_path, content):
    (tmp_path / "x.names").write_bytes(content)
    assert read_names(tmp_path / "x.names") == ["cat", "dog"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found no class name"),
        (b"\n\n", "found no class name"),
        (b"cat\n\ndog\n", "line 2: found no class name"),
        (b"cat\ndog\ncat\n", "line 3: class 'cat' is already on line 1"),
        (b"\xff\xfe", "not readable as a class-name file"),
    ],
)
def test_faulty_names_files(tmp_path, content, message):
    (tmp_path / "x.names").write_bytes(content)
    with pytest.raises(UserError, match=f"x.names: {message}"):
        read_names(tmp_path / "x.names")
    with pytest.raises(UserError, match=r"missing.names: not readable"):
        read_names(tmp_path / "missing.names")


def test_names_of_records(tmp_path):
    pattern = write(tmp_path, [[record("a")]])
    with pytest.raises(UserError, match=r"no data set card NAME.json beside these shards"):
        find_names(pattern)
    update_card(tmp_path / "toy.json", "toy", NAMES, "train", {})
    assert find_names(pattern) == NAMES
    (tmp_path / "x.names").write_text("one\n")
    assert find_names(pattern, str(tmp_path / "x.names")) == ["one"]


def test_known_classes_pass(tmp_path):
    pattern = write(tmp_path, [[record("a", BOX, [2]), record("b")], [record("c", BOX, [0])]])
    check_classes(pattern, NAMES)
    check_classes(pattern, [*NAMES, "more"])


def test_an_unknown_class_is_named(tmp_path):
    pattern = write(tmp_path, [[record("a")], [record("b"), record("c", BOX, [1])]])
    with pytest.raises(UserError) as caught:
        check_classes(pattern, ["red", "greem"])
    message = str(caught.value)
    assert "toy-train.tfrecord-00001-of-00002: record 2: image/object/class/text" in message
    assert "found 'green', expected one of the 2 classes red, greem, nearest is 'greem'" in message


def test_an_unknown_label_is_named(tmp_path):
    example = tf.train.Example.FromString(record("a", BOX, [2]))  # label 3
    del example.features.feature["image/object/class/text"]
    pattern = write(tmp_path, [[example.SerializeToString()]])
    check_classes(pattern, NAMES, label_offset=1)
    with pytest.raises(UserError, match=r"record 1: image/object/class/label: found 3, .*0 to 2"):
        check_classes(pattern, NAMES)


def test_what_is_no_example_is_named(tmp_path):
    with pytest.raises(UserError, match=r"record 1: found no tf.train.Example"):
        check_classes(write(tmp_path, [[b"no example"]]), NAMES)


def test_a_card_spares_the_reading_only_while_it_fits(tmp_path):
    pattern = write(tmp_path, [[record("a", BOX, [9])]])  # "unheard of"
    size = sum(Path(p).stat().st_size for p in find_shards(pattern))
    update_card(tmp_path / "toy.json", "toy", NAMES, "train", {"bytes": size})
    check_classes(pattern, NAMES)  # trusts the card
    with pytest.raises(UserError, match="'unheard of'"):
        check_classes(pattern, NAMES[:2])  # the card has a class that is not known
    card = json.loads((tmp_path / "toy.json").read_text())
    card["splits"]["train"]["bytes"] += 1
    (tmp_path / "toy.json").write_text(json.dumps(card))
    with pytest.raises(UserError, match="'unheard of'"):
        check_classes(pattern, NAMES)  # the card is of other shards
