import io

import pytest
from PIL import Image

from tests.data.folders import picture
from tests.data.records.made import NAMES, record, write
from yolo_tf.analysis.readers import record_facts
from yolo_tf.data.records.files import find_shards
from yolo_tf.data.records.open_records import Records

BOX = [0.25, 0.25, 0.5, 0.5]
NAN = float("nan")


def read(folder, *records, labels="", **settings):
    opened = Records.unchecked(write(folder, [list(records)]), NAMES, labels)
    return list(record_facts("train", opened, **settings))


def kinds(reading):
    return [finding.kind for finding in reading[1]]


def turned_picture():
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (32, 24)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_a_good_record(tmp_path):
    (facts, findings), *others = read(tmp_path, record("a", [BOX], [2], crowd=[True]), record("b"))
    assert findings == []
    assert facts.source_id == "a"
    assert facts.place.endswith("toy-train.tfrecord-00000-of-00001: record 1")
    assert (facts.print.height, facts.print.width) == (24, 32)
    assert facts.boxes.tolist() == [BOX]
    assert facts.box_places == [f"{facts.place}, object 1"]
    assert (facts.classes.tolist(), facts.crowd.tolist()) == ([2], [True])
    assert others[0][0].boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("boxes", "classes", "kind", "detail"),
    [
        ([BOX, [0.5, 0.5, 0.5, 0.6]], None, "empty_box", "found 16, 12, 19.2, 12 (no"),
        ([BOX, [0.5, 0.5, 0.4, 0.6]], None, "broken_box", "found 16, 12, 19.2, 9.6 (inv"),
        ([BOX, [NAN, 0, 1, 1]], None, "broken_box", "found 0, nan, 1, 1"),
        ([BOX, [10, 10, 90, 90]], None, "outside_box", "found 320, 240, 2880, 2160 (out"),
        ([BOX, [0.5, 0.5, 1.02, 1]], None, "clipped_box", "found 16, 12, 32, 24.48"),
        ([BOX, BOX], [0, 9], "unknown_class", "found 'unheard of'"),
    ],
)
def test_a_bad_box(tmp_path, boxes, classes, kind, detail):
    ((facts, findings),) = read(tmp_path, record("a", boxes, classes))
    (finding,) = findings
    assert finding.kind == kind
    assert finding.place == f"{facts.place}, object 2"
    assert finding.detail.startswith(detail)
    assert finding.image == "a"
    assert len(facts.boxes) == (2 if kind == "clipped_box" else 1)


@pytest.mark.parametrize("image", [b"", b"no image", picture()[:300]])
def test_a_bad_image(tmp_path, image):
    good = record("b", [BOX])
    first, second = read(tmp_path, record("a", [BOX], image=image), good)
    assert first[0] is None
    assert kinds(first) == ["unusable_image"]
    assert first[1][0].place.endswith(": record 1")
    assert second[0].source_id == "b"


def test_no_example_at_all(tmp_path):
    first, second = read(tmp_path, b"\xff\xff", record("b"))
    assert kinds(first) == ["unusable_image"]
    assert second[0].source_id == "b"


def test_size_and_exif(tmp_path):
    wrong = record("a", size=(24, 32), image=picture(20, 32))
    turned = record("b", size=(24, 32), image=turned_picture())
    first, second = read(tmp_path, wrong, turned)
    assert kinds(first) == ["declared_size"]
    assert first[1][0].detail.startswith("found 32 x 24, expected 32 x 20")
    assert kinds(second) == ["turned_image"]


def test_without_looking_the_header_alone_is_read(tmp_path):
    cut = picture(200, 200)[:2000]
    (reading,) = read(tmp_path, record("a", size=(200, 200), image=cut), look=False)
    assert reading[1] == []
    assert reading[0].print.grey is None


def test_a_cut_file_is_a_finding_and_the_next_file_is_read(tmp_path):
    pattern = write(tmp_path, [[record("a"), record("b")], [record("c")]])
    first, _ = paths = find_shards(pattern)
    with open(first, "r+b") as file:
        file.truncate(file.seek(0, 2) - 5)
    found = list(record_facts("train", Records("", paths, NAMES)))
    assert [facts.source_id for facts, _ in found if facts] == ["a", "c"]
    (finding,) = [f for _, findings in found for f in findings]
    assert finding.kind == "unreadable_file"
    assert finding.place == f"{first}: record 2"


def test_labels_of_other_writers(tmp_path):
    import tensorflow as tf

    example = tf.train.Example.FromString(record("a", [BOX, BOX], [0, 2]))
    del example.features.feature["image/object/class/text"]
    serialized = example.SerializeToString()
    ((plain, findings),) = read(tmp_path, serialized)  # labels 1 and 3, counted from 0
    assert (plain.classes.tolist(), findings[0].kind) == ([1], "unknown_class")
    assert findings[0].detail.startswith("found 'label 3'")
    ((shifted, _),) = read(tmp_path, serialized, labels="one_based")
    assert shifted.classes.tolist() == [0, 2]
