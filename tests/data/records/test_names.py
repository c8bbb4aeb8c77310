import json
from pathlib import Path

import pytest
import tensorflow as tf

from tests.data.folders import giant_png, picture
from tests.data.records.made import NAMES, record, write
from yolo_tf.data.records.card import update_card
from yolo_tf.data.records.files import find_shards
from yolo_tf.data.records.names import check_classes, find_names
from yolo_tf.errors import UserError

BOX = [[0, 0, 1, 1]]


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
    check_classes(pattern, NAMES, "one_based")
    message = (
        "record 1: image/object/class/label: found 3, expected 0 to 2, the labels of the 3 "
        r"classes; the labels run from 3 to 3: set config.data.labels \(--labels\) to one_based, "
        "or to the label map X.pbtxt of the records"
    )
    with pytest.raises(UserError, match=message):
        check_classes(pattern, NAMES)


def no_text(name, labels):
    example = tf.train.Example.FromString(record(name, BOX * len(labels), [0] * len(labels)))
    del example.features.feature["image/object/class/text"]
    example.features.feature["image/object/class/label"].int64_list.value[:] = labels
    return example.SerializeToString()


def test_labels_counted_from_one_are_recognised(tmp_path):
    pattern = write(tmp_path, [[no_text("a", [1, 2]), no_text("b", [3])]])
    with pytest.raises(UserError, match=r"record 2: .*found 3.*config.data.labels .* to one_based"):
        check_classes(pattern, NAMES)
    pattern = write(tmp_path, [[no_text("a", [0, 2]), no_text("b", [3])]])
    with pytest.raises(UserError, match=r"found 3, expected 0 to 2, the labels of the 3 classes$"):
        check_classes(pattern, NAMES)  # a label 0 speaks against it


def test_ids_of_coco_are_recognised(tmp_path):
    names = [f"c{i}" for i in range(80)]
    pattern = write(tmp_path, [[no_text("a", [1, 90])]])
    check_classes(pattern, names, "coco91")
    with pytest.raises(UserError, match=r"found 90, .*set config.data.labels .* to coco91"):
        check_classes(pattern, names)
    pattern = write(tmp_path, [[no_text("a", [1, 12])]])
    with pytest.raises(UserError, match=r"found 12, expected 1 to 11, 13 to 25, 27 to 28, 31"):
        check_classes(pattern, names, "coco91")


def test_a_label_map_brings_the_names(tmp_path):
    labels = tmp_path / "x.pbtxt"
    labels.write_text("item { id: 5 name: 'b' } item { id: 2 name: 'a' }")
    pattern = write(tmp_path, [[no_text("a", [5, 2])]])
    assert find_names(pattern, labels=str(labels)) == ["a", "b"]
    check_classes(pattern, ["a", "b"], str(labels))
    with pytest.raises(UserError, match="found 5, expected 2, the labels of the 1 classes"):
        check_classes(pattern, ["a"], str(labels))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (picture(4, 4, kind="GIF"), "record 1: image: found format GIF, expected JPEG or PNG"),
        (b"no image", "record 1: image: found bytes b'no image'"),
        (b"", "record 1: image: found an empty file"),
        (giant_png(12_000, 12_000), "record 1: size: found 12000 x 12000, expected at most"),
    ],
)
def test_images_are_bounded_before_use(tmp_path, image, message):
    with pytest.raises(UserError, match=message):
        check_classes(write(tmp_path, [[record("a", image=image)]]), NAMES)


def test_what_is_no_example_is_named(tmp_path):
    with pytest.raises(UserError, match=r"record 1: found 10 bytes, expected a tf.train.Ex"):
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
