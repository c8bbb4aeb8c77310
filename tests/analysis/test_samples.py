import pytest

from tests.data.folders import voc_object, voc_options, voc_xml, write_voc
from tests.data.yolo_folders import write_yaml, write_yolo
from yolo_tf.analysis.readers import sample_facts
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.voc import VocSource
from yolo_tf.data.sources.yolo import YoloSource


def read(root):
    source = VocSource(voc_options(root, class_names=("cat", "dog")))
    return list(sample_facts("train", source))


def test_a_source_as_it_is(tmp_path):
    found = read(write_voc(tmp_path, 4))
    assert [len(facts.classes) for facts, _ in found] == [0, 1, 2, 0]
    assert [facts.source_id for facts, _ in found] == ["a0", "a1", "a2", "a3"]
    assert all(not findings for _, findings in found)
    assert found[1][0].place == "a1.jpg"
    assert found[1][0].box_places == ["Annotations/a1.xml: object 1 (cat), bndbox"]


@pytest.mark.parametrize(
    ("corners", "name", "kind"),
    [
        ((10, 5, 10, 25), "cat", "empty_box"),
        ((30, 5, 10, 25), "cat", "broken_box"),
        (("x", 5, 10, 25), "cat", "broken_box"),
        ((10, 5, 300, 25), "cat", "outside_box"),
        ((10, 5, 61, 25), "cat", "clipped_box"),
        ((10, 5, 30, 25), "cta", "unknown_class"),
    ],
)
def test_a_bad_box(tmp_path, corners, name, kind):
    write_voc(tmp_path, 2)
    xml = voc_xml("a1", voc_object() + voc_object(name, corners))
    (tmp_path / "Annotations/a1.xml").write_text(xml)
    (finding,) = read(tmp_path)[1][1]
    assert finding.kind == kind
    assert finding.place.startswith(f"Annotations/a1.xml: object 2 ({name}), ")
    assert finding.detail.startswith("found ")


def test_images_that_cannot_be_used_or_were_mended(tmp_path):
    write_voc(tmp_path, 3)
    (tmp_path / "JPEGImages/a0.jpg").unlink()
    (tmp_path / "Annotations/a1.xml").write_text(voc_xml("a1", size=(41, 60)))
    (tmp_path / "Annotations/a2.xml").write_text(voc_xml("a2", filename="a1.jpg"))
    found = read(tmp_path)
    assert [[f.kind for f in findings] for _, findings in found] == [
        ["unusable_image"],
        ["declared_size"],
        ["changed"],
    ]
    assert found[0][0] is None
    assert "filename ignored" in found[2][1][0].detail


def test_a_class_number_beyond_the_list(tmp_path):
    write_yaml(write_yolo(tmp_path, count=1))
    (tmp_path / "labels/train/a0.txt").write_text("9 0.5 0.5 0.2 0.2\n")
    ((_, (finding,)),) = sample_facts("train", YoloSource(Options("train", str(tmp_path))))
    assert finding.kind == "unknown_class"
    assert finding.place == "labels/train/a0.txt: line 1"
