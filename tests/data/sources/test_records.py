import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.data.folders import picture
from tests.data.records.made import NAMES, edited, record, write
from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.records.card import update_card
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.records import RecordSource
from yolo_tf.errors import UserError

BOX = [[0.125, 0.25, 0.625, 0.75]]


def source(pattern, names=NAMES, **kwargs):
    return RecordSource(
        Options("train", pattern, tuple(names) if names is not None else None, **kwargs)
    )


def test_records(tmp_path):
    image = picture(40, 60)
    first = record("a", BOX * 2, [2, 0], size=(40, 60), crowd=[False, True], image=image)
    pattern = write(tmp_path, [[first, record("b")], [record("c", BOX, [1])]])
    found = pickle.loads(pickle.dumps(source(pattern)))
    assert found.ids() == ["a", "b", "c"]
    assert (found.class_names, found.issues) == (NAMES, [])
    sample, issues = found.read("a")
    assert issues == []
    assert (sample.source_id, sample.filename, sample.image) == ("a", "a.png", image)
    assert (sample.height, sample.width, sample.image_format) == (40, 60, "jpeg")
    np.testing.assert_array_equal(sample.boxes, np.array(BOX * 2, np.float32))
    assert sample.classes.tolist() == [2, 0]
    assert sample.crowd.tolist() == [False, True]
    assert sample.area.tolist() == [0, 1]  # as recorded
    assert [found.read(name)[0].source_id for name in "cb"] == ["c", "b"]


def test_boxes_come_back_to_the_bit(tmp_path):
    rng = np.random.default_rng(0)
    corners = np.sort(rng.random([200, 2, 2], np.float32), axis=1).reshape(200, 4)
    corners[:, 2:] = np.maximum(corners[:, 2:], corners[:, :2] + 0.01).clip(0, 1)
    pattern = write(tmp_path, [[record("a", corners, [0] * 200, size=(333, 517))]])
    sample, _ = source(pattern).read("a")
    np.testing.assert_array_equal(sample.boxes, corners)


def test_where_the_class_list_comes_from(tmp_path):
    records = [record("a", BOX, [2]), record("b", BOX * 2, [0, 1])]
    pattern = write(tmp_path, [records])
    assert source(pattern, None).class_names == ["red", "green", "blue"]  # by their labels
    path = tmp_path / "x.pbtxt"
    path.write_text("item { id: 1 name: 'blue' } item { id: 2 name: 'red' }")
    assert source(pattern, None, labels=str(path)).class_names == ["blue", "red"]
    update_card(tmp_path / "toy.json", "toy", ["x", *NAMES], "train", {})
    assert source(pattern, None).class_names == ["x", *NAMES]
    assert source(pattern, ["blue"]).class_names == ["blue"]


def test_texts_whose_labels_are_at_odds_are_sorted(tmp_path):
    odd = edited(record("b", BOX, [1]), image__object__class__label=[9])
    pattern = write(tmp_path, [[record("a", BOX * 2, [2, 1]), odd]])
    assert source(pattern, None).class_names == ["blue", "green"]


TEXT = ["image/object/class/text"]


def test_labels_without_text(tmp_path):
    records = [edited(record("a", BOX * 2, [2, 0]), TEXT)]  # labels 3, 1
    pattern = write(tmp_path, [records])
    assert source(pattern, labels="one_based").read("a")[0].classes.tolist() == [2, 0]
    path = tmp_path / "x.pbtxt"
    path.write_text("item { id: 3 name: '/m/3' display_name: 'x' } item { id: 1 name: 'y' }")
    found = source(pattern, None, labels=str(path))
    assert found.class_names == ["y", "x"]
    assert found.read("a")[0].classes.tolist() == [1, 0]
    with pytest.raises(UserError, match=r"found 1 to 3 for 3 classes, .*give --labels=one_based"):
        source(pattern)
    with pytest.raises(UserError, match=r"labels without image/object/class/text, .*give --names"):
        source(pattern, None)


def test_an_unknown_class_is_named(tmp_path):
    pattern = write(tmp_path, [[record("a", BOX * 2, [2, 0])]])
    sample, (issue,) = source(pattern, ["rad", "blue"]).read("a")
    assert sample.classes.tolist() == [1]
    assert issue.action == checks.BOX_SKIPPED
    assert str(issue) == (
        "toy-train.tfrecord-00000-of-00001: record 1, object 2, class: found 'red', "
        "expected a class of the list, nearest is 'rad'"
    )
    pattern = write(tmp_path, [[edited(record("a", BOX * 2, [2, 0]), TEXT)]])
    _, (issue,) = source(pattern, ["x", "y"]).read("a")
    assert "found 'label 3', expected a class of the list" in str(issue)


def test_records_that_cannot_be_used(tmp_path):
    shard = "toy-train.tfrecord-00000-of-00001"
    records = [
        record("a", image=b""),
        record("b", image=b"no image"),
        edited(record("c", BOX, [0]), image__object__bbox__xmin=[0.1, 0.2]),
        b"no example",
        record("a"),
        edited(record("d", BOX, [0]), image__height=[32], image__width=[24]),
        edited(record("e", BOX, [0]), image__object__bbox__xmax=[float("nan")]),
    ]
    found = source(write(tmp_path, [records]))
    assert found.ids() == ["a", "b", "d", "e"]
    assert [str(issue) for issue in found.issues] == [
        f"{shard}: record 3, image/object/bbox/xmin: found 2 values, expected 1, one an object",
        f"{shard}: record 4: found 10 bytes, expected a tf.train.Example",
        f"{shard}: record 5, image/source_id: found 'a', expected every id once; {shard}, record 1 "
        "has it",
    ]
    assert {issue.action for issue in found.issues} == {checks.IMAGE_SKIPPED}
    for source_id, message in (
        ("a", "record 1: image: found an empty file"),
        ("b", "record 2: image: found bytes b'no image'"),
        ("d", r"size: found 24 x 32 \(swapped\)"),
    ):
        with pytest.raises(BadRecord, match=message):
            found.read(source_id)
    _, (issue,) = found.read("e")
    assert "object 1: found" in str(issue)
    assert "expected four finite numbers" in str(issue)


def test_damaged_and_empty_files(tmp_path):
    pattern = write(tmp_path, [[record("a"), record("b")]])
    path = Path(next(tmp_path.glob("*")))
    content = path.read_bytes()
    path.write_bytes(content[:-9] + b"x" + content[-8:])
    with pytest.raises(UserError, match=r"record 2: missing, truncated or corrupted"):
        source(pattern)
    path.write_bytes(b"")
    with pytest.raises(UserError, match=r"00000-of-00001: found no usable record"):
        source(pattern)
    with pytest.raises(UserError, match="no file matches"):
        source(str(tmp_path / "none*"))


def test_a_file_that_is_gone(tmp_path):
    found = source(write(tmp_path, [[record("a")]]))
    next(tmp_path.glob("*")).unlink()
    with pytest.raises(BadRecord, match="file: found No such file"):
        found.read("a")


def test_exif_does_not_turn_what_tensorflow_read(tmp_path):
    import io

    from PIL import Image

    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(buffer, "JPEG", exif=exif)
    serialized = record("a", BOX, [0], image=buffer.getvalue())
    pattern = write(tmp_path, [[edited(serialized, ["image/height", "image/width"])]])
    sample, (issue,) = source(pattern).read("a")
    assert (sample.height, sample.width, issue.action) == (40, 60, checks.EXIF_DROPPED)
