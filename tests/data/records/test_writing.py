import numpy as np
import pytest
import tensorflow as tf

from tests.data.records.made import NAMES, record
from tests.data.test_sample import sample
from yolo_tf.data.records.parsing import label_table, parse_example
from yolo_tf.data.records.writing import encode_example
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
    np.testing.assert_array_equal(parse(serialized, labels="one_based")["classes"], [2, 0])
    np.testing.assert_array_equal(parse(serialized)["classes"], [-2, 1])
    with pytest.raises(UserError, match="labels: found 'two_based', expected one_based"):
        label_table(NAMES, "two_based")


def test_a_label_map_tells_labels_and_texts(tmp_path):
    path = tmp_path / "x.pbtxt"
    path.write_text(
        "item { id: 3 name: '/m/1' display_name: 'red' } item { id: 1 name: 'blue' }"
        "item { id: 7 name: 'never trained' }"
    )
    labels = str(path)
    serialized = foreign(["image/object/class/text"])  # labels 3, 1
    np.testing.assert_array_equal(parse(serialized, labels=labels)["classes"], [0, 2])
    example = tf.train.Example.FromString(foreign())
    texts = example.features.feature["image/object/class/text"].bytes_list.value
    texts[:] = [b"/m/1", b"never trained"]
    found = parse(example.SerializeToString(), labels=labels)["classes"]
    np.testing.assert_array_equal(found, [0, -2])
    texts[:] = [b"red", b"green"]
    found = parse(example.SerializeToString(), labels=labels)["classes"]
    np.testing.assert_array_equal(found, [0, 1])


def test_missing_features_have_defaults():
    lists = [f"image/object/{name}" for name in ("difficult", "is_crowd", "area")]
    found = parse(foreign(lists))
    assert not found["difficult"].any()
    assert not found["crowd"].any()
    np.testing.assert_allclose(found["area"], [0.4 * 0.4 * 200, 200], rtol=1e-6)
    found = parse(foreign([*lists, "image/height", "image/width"]))
    assert (found["height"], found["width"]) == (10, 20)  # of the image's header
    np.testing.assert_allclose(found["area"], [0.4 * 0.4 * 200, 200], rtol=1e-6)


def test_a_size_that_neither_record_nor_image_tells():
    example = tf.train.Example.FromString(foreign(["image/height", "image/width"]))
    del example.features.feature["image/object/area"]
    example.features.feature["image/encoded"].bytes_list.value[:] = [b"no image"]
    found = parse(example.SerializeToString())
    assert (found["height"], found["width"]) == (-1, -1)
    np.testing.assert_array_equal(found["area"], [-1, -1])


def test_a_record_without_an_image_is_refused():
    for drop in ([], ["image/encoded"]):
        example = tf.train.Example.FromString(foreign(drop))
        example.features.feature["image/encoded"].bytes_list.value[:] = [b""]
        with pytest.raises(tf.errors.InvalidArgumentError, match="image/encoded"):
            parse(example.SerializeToString())


def tfds_record(**more):
    """A record as TensorFlow Datasets writes it."""
    values = {
        "image": [tf.io.encode_png(np.zeros([10, 20, 3], np.uint8)).numpy()],
        "objects/bbox": BOXES.ravel().tolist(),
        "objects/label": [2, 0],
        "image/filename": [b"a.png"],
        **more,
    }
    features = {}
    for key, value in values.items():
        kind = {bytes: "bytes_list", int: "int64_list", float: "float_list"}[type(value[0])]
        lists = {"bytes_list": tf.train.BytesList, "int64_list": tf.train.Int64List}
        lists["float_list"] = tf.train.FloatList
        features[key] = tf.train.Feature(**{kind: lists[kind](value=value)})
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def test_records_of_tfds():
    found = parse(tfds_record())
    assert (found["source_id"], found["height"], found["width"]) == (b"a.png", 10, 20)
    np.testing.assert_array_equal(found["boxes"], BOXES)
    np.testing.assert_array_equal(found["classes"], [2, 0])
    assert not found["difficult"].any()
    np.testing.assert_allclose(found["area"], [0.4 * 0.4 * 200, 200], rtol=1e-6)
    more = {"objects/is_difficult": [0, 1], "objects/is_crowd": [1, 0], "objects/area": [7, 9]}
    found = parse(tfds_record(**more, **{"image/filename": [b""], "image/id": [42]}))
    assert found["source_id"] == b"42"
    assert found["difficult"].tolist() == [False, True]
    assert found["crowd"].tolist() == [True, False]
    assert found["area"].tolist() == [7, 9]
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many box corners as classes"):
        parse(tfds_record(**{"objects/label": [1, 2, 0]}))


def test_without_a_source_id_the_file_name_serves_or_the_image():
    assert parse(foreign(["image/source_id"]))["source_id"] == b"f.png"
    number = parse(foreign(["image/source_id", "image/filename"]))["source_id"]
    assert number.isdigit()
    assert number == parse(foreign(["image/source_id", "image/filename"]))["source_id"]


def test_lists_of_other_lengths_are_refused():
    for values in ({"bbox__ymin": [0.1]}, {"area": [1.0, 2.0, 3.0]}):
        with pytest.raises(tf.errors.InvalidArgumentError):
            parse(foreign(**values))
