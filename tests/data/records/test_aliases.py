import tensorflow as tf

from tests.data.folders import voc_object, voc_options, voc_xml, write_voc
from tests.data.records.made import record, write
from yolo_tf.data.records import names
from yolo_tf.data.records.aliases import ALIASES, aliases_of
from yolo_tf.data.records.card import update_card
from yolo_tf.data.records.parsing import label_table
from yolo_tf.data.sources.voc import VocSource

DARKNET = ["person", "motorbike", "pottedplant"]
BOX = [[0, 0, 1, 1]]


def coco_records(folder):
    example = tf.train.Example.FromString(record("a", BOX, [0]))
    example.features.feature["image/object/class/text"].bytes_list.value[:] = [b"motorcycle"]
    return write(folder, [[example.SerializeToString()]])


def test_a_darknet_model_meets_coco_records(tmp_path, capsys):
    pattern = coco_records(tmp_path)
    names.check_classes(pattern, DARKNET)
    assert "note: class 'motorcycle' is taken as 'motorbike'" in capsys.readouterr().err
    table = label_table(DARKNET)
    texts = tf.constant(["motorcycle", "potted plant", "x"])
    found = table.classes(texts, tf.zeros(3, tf.int64), tf.ones(3, tf.bool))
    assert found.numpy().tolist() == [1, 2, -2]


def test_by_the_card_alone(tmp_path, monkeypatch):
    pattern = coco_records(tmp_path)
    size = sum(path.stat().st_size for path in tmp_path.glob("*.tfrecord-*"))
    update_card(tmp_path / "toy.json", "toy", ["person", "motorcycle"], "train", {"bytes": size})
    monkeypatch.setattr(names, "check_records", lambda *_: 1 / 0)
    names.check_classes(pattern, DARKNET)


def test_two_names_of_one_list_stay_two_classes():
    assert aliases_of(["sofa", "couch", "tv"]) == dict.fromkeys(
        ("tvmonitor", "tv monitor", "television"), "tv"
    )
    every = [name for group in ALIASES for name in group]
    assert len(set(every)) == len(every)


def test_a_source_with_another_class_list(tmp_path):
    root = write_voc(tmp_path)
    (root / "Annotations/a1.xml").write_text(voc_xml("a1", voc_object("sofa")))
    source = VocSource(voc_options(root, class_names=("cat", "couch")))
    assert source.read("a1")[0].classes.tolist() == [1]
