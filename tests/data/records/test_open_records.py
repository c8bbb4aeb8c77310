"""Records that are opened: files, classes, labels."""

import pytest
import tensorflow as tf

from tests.data.records.made import NAMES, edited, record, write
from yolo_tf.config import DataConfig
from yolo_tf.data.records.bad_records import readable_errors
from yolo_tf.data.records.open_records import Records
from yolo_tf.errors import UserError

BOX = [0.1, 0.2, 0.6, 0.7]


def without_texts(name, class_index):
    """Its label is the index + 1."""
    return edited(record(name, [BOX], [class_index]), ["image/object/class/text"])


def test_files_classes_and_count(tmp_path):
    pattern = write(tmp_path, [[record("a")], [record("b", [BOX], [2]), record("c")]])
    (tmp_path / "toy.names").write_text("\n".join(NAMES))
    records = Records.open(pattern, DataConfig(names=str(tmp_path / "toy.names")))
    assert records.class_names == NAMES
    assert records.paths == sorted(map(str, tmp_path.glob("toy-train*")))
    assert records.count() == 3
    assert Records.open(pattern, class_names=[*NAMES, "more"]).class_names == [*NAMES, "more"]
    with pytest.raises(UserError, match="found 'blue', expected one of the 2 classes red, green"):
        Records.open(pattern, class_names=NAMES[:2])


def test_labels_mean_what_the_settings_say(tmp_path):
    pattern = write(tmp_path, [[without_texts("a", 0), without_texts("b", 2)]])
    records = Records.open(pattern, DataConfig(labels="one_based"), NAMES)
    found = records.table().classes(tf.constant([""] * 2), tf.constant([1, 3], tf.int64), False)
    assert found.numpy().tolist() == [0, 2]
    with pytest.raises(UserError, match="label: found 3, expected 0 to 2"):
        Records.open(pattern, class_names=NAMES)


def test_where_classes_do_not_matter_the_damage_is_named(tmp_path):
    damaged = edited(without_texts("b", 2), image__encoded=[b"no image"])
    records = Records.unchecked(write(tmp_path, [[without_texts("a", 2), damaged]]))
    with pytest.raises(UserError, match="record 2: image 'b' cannot"), readable_errors(records):
        tf.io.decode_image(b"no image")
