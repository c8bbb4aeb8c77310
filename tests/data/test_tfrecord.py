import numpy as np
import pytest
import tensorflow as tf

from tests.data.records import NAMES, record
from tests.data.test_sample import sample
from yolo_tf.data import tfrecord
from yolo_tf.data.shards import write_shards
from yolo_tf.data.tfrecord import encode_example, find_shards, label_table, parse_example
from yolo_tf.errors import UserError

BOXES = np.array([[0.1, 0.2, 0.5, 0.6], [0, 0, 1, 1]], np.float32)


def full_sample():
    return sample(
        2,
        source_id="2007_1",
        image=b"jpeg bytes",
        boxes=BOXES,
        classes=np.array([2, 0], np.int32),
        difficult=np.array([True, False]),
        crowd=np.array([False, True]),
        area=np.array([3.5, 32], np.float32),
    )


def parse(serialized, names=NAMES, **kwargs):
    table = label_table(names, **kwargs)
    dataset = tf.data.Dataset.from_tensors(serialized).map(lambda r: parse_example(r, table))
    return next(dataset.as_numpy_iterator())


def test_round_trip():
    found = parse(encode_example(full_sample(), NAMES))
    assert (found["encoded"], found["source_id"]) == (b"jpeg bytes", b"2007_1")
    assert (found["height"], found["width"]) == (4, 8)
    np.testing.assert_array_equal(found["boxes"], BOXES)
    np.testing.assert_array_equal(found["classes"], [2, 0])
    np.testing.assert_array_equal(found["difficult"], [True, False])
    np.testing.assert_array_equal(found["crowd"], [False, True])
    np.testing.assert_array_equal(found["area"], np.array([3.5, 32], np.float32))
    types = {key: found[key].dtype for key in ("boxes", "classes", "area")}
    assert types == {"boxes": np.float32, "classes": np.int32, "area": np.float32}


def test_no_boxes():
    found = parse(encode_example(sample(0), NAMES))
    assert found["boxes"].shape == (0, 4)
    assert found["classes"].shape == found["crowd"].shape == found["area"].shape == (0,)


def test_the_keys_are_those_of_the_object_detection_api():
    example = tf.train.Example.FromString(encode_example(full_sample(), NAMES))
    feature = example.features.feature
    assert feature["image/object/class/text"].bytes_list.value[:] == [b"blue", b"red"]
    assert feature["image/object/class/label"].int64_list.value[:] == [2, 0]
    assert feature["image/object/bbox/ymin"].float_list.value[:] == BOXES[:, 0].tolist()
    assert feature["image/object/bbox/xmax"].float_list.value[:] == BOXES[:, 3].tolist()
    assert feature["image/format"].bytes_list.value[:] == [b"jpeg"]
    assert len(feature["image/key/sha256"].bytes_list.value[0]) == 64


def test_classes_go_by_text_whatever_the_label():
    serialized = encode_example(full_sample(), NAMES)
    np.testing.assert_array_equal(parse(serialized, ["blue", "x", "red"])["classes"], [0, 2])
    np.testing.assert_array_equal(parse(serialized, ["red"])["classes"], [-2, 0])


def foreign(drop=(), **values):
    """A record of another writer: `record` without some features, or with other values."""
    example = tf.train.Example.FromString(record("f", BOXES, [2, 0], size=(10, 20)))
    for key in drop:
        del example.features.feature[key]
    for key, value in values.items():
        feature = example.features.feature["image/object/" + key.replace("__", "/")]
        feature.float_list.value[:] = value
    return example.SerializeToString()


def test_labels_serve_where_there_is_no_text():
    serialized = foreign(["image/object/class/text"])  # labels 3, 1
    np.testing.assert_array_equal(parse(serialized, label_offset=1)["classes"], [2, 0])
    np.testing.assert_array_equal(parse(serialized)["classes"], [-2, 1])
    with pytest.raises(UserError, match="label_offset: found 2"):
        label_table(NAMES, 2)


def test_missing_features_have_defaults():
    lists = [f"image/object/{name}" for name in ("difficult", "is_crowd", "area")]
    found = parse(foreign(lists))
    assert not found["difficult"].any()
    assert not found["crowd"].any()
    np.testing.assert_allclose(found["area"], [0.4 * 0.4 * 200, 200], rtol=1e-6)
    found = parse(foreign([*lists, "image/height", "image/width"]))
    assert (found["height"], found["width"]) == (-1, -1)
    np.testing.assert_array_equal(found["area"], [-1, -1])


def test_without_a_source_id_the_file_name_serves_or_the_image():
    assert parse(foreign(["image/source_id"]))["source_id"] == b"f.png"
    number = parse(foreign(["image/source_id", "image/filename"]))["source_id"]
    assert number.isdigit()
    assert number == parse(foreign(["image/source_id", "image/filename"]))["source_id"]


def test_lists_of_other_lengths_are_refused():
    for values in ({"bbox__ymin": [0.1]}, {"area": [1.0, 2.0, 3.0]}):
        with pytest.raises(tf.errors.InvalidArgumentError):
            parse(foreign(**values))


def shards(folder, count, records, split="train"):
    return write_shards(folder, "toy", split, count, records)


def contents(paths):
    return [record for _, _, record in tfrecord.read_records(paths)]


def test_patterns(tmp_path):
    paths = [str(p) for p in shards(tmp_path, 2, [b"a", b"b"])]
    more = [str(p) for p in shards(tmp_path, 1, [b"c"], split="val")]
    (tmp_path / "toy.json").write_text("{}")
    (tmp_path / ".toy-train.tfrecord-00000-of-00009.1.tmp").touch()
    assert find_shards(f"{tmp_path}/toy-train*") == paths
    assert find_shards(f"{tmp_path}/toy-val*, {tmp_path}/toy-train*") == paths + more
    assert find_shards(f"{tmp_path}/*") == paths + more
    assert find_shards(paths[1]) == paths[1:]
    assert find_shards(f"{tmp_path}/toy-train*,{paths[0]}") == paths


def test_patterns_that_fail(tmp_path):
    for pattern, message in (
        ("", "expected a path or glob"),
        (f"{tmp_path}/none*", r"none\*: no file matches"),
        (f"{tmp_path}", "no file matches"),
    ):
        with pytest.raises(UserError, match=message):
            find_shards(pattern)


def test_an_incomplete_set_is_refused(tmp_path):
    paths = shards(tmp_path, 3, [b"a", b"b", b"c"])
    paths[1].unlink()
    with pytest.raises(UserError, match=r"toy-train.tfrecord: found 2 of 3 shards"):
        find_shards(f"{tmp_path}/toy-train*")
    assert len(find_shards(f"{paths[0]},{paths[2]}")) == 2


def test_two_sets_of_a_split_are_refused(tmp_path):
    first = shards(tmp_path, 1, [b"a"])[0]
    first.rename(tmp_path / "kept")
    shards(tmp_path, 2, [b"a", b"b"])
    (tmp_path / "kept").rename(first)
    with pytest.raises(UserError, match="found shards of 1 and of 2, expected one set"):
        find_shards(f"{tmp_path}/toy-train*")


def test_damaged_files_are_named(tmp_path):
    (path,) = shards(tmp_path, 1, [b"a" * 50, b"b" * 50])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match=r"00000-of-00001: record 2: missing, truncated"):
        contents([path])
    with pytest.raises(UserError, match="none: record 1: missing"):
        contents([tmp_path / "none"])
