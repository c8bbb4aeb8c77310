import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.folders import check_message
from tests.data.records.made import NAMES, record
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.records.examples import parse_record
from yolo_tf.data.records.parsing import label_table, parse_example

BOXES = [[0.1, 0.2, 0.5, 0.6], [0, 0, 1, 1]]


def parse(serialized):
    return parse_record(serialized, "x-train.tfrecord", "record 3")


def example(**values):
    features = {}
    for key, value in values.items():
        kind, made = {
            bytes: ("bytes_list", tf.train.BytesList),
            int: ("int64_list", tf.train.Int64List),
            float: ("float_list", tf.train.FloatList),
        }[type(value[0])]
        features[key.replace("__", "/")] = tf.train.Feature(**{kind: made(value=value)})
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(
        deterministic=True
    )


def test_the_same_as_tensorflow_reads():
    serialized = record("f", BOXES, [2, 0], size=(10, 20), crowd=[False, True])
    found = parse(serialized)
    expected = parse_example(serialized, label_table(NAMES))
    assert found.image == expected["encoded"].numpy()
    assert (found.source_id, found.filename) == ("f", "f.png")
    assert found.declared_size == (10, 20)
    corners = np.array(found.corners, np.float32)[:, [1, 0, 3, 2]]
    np.testing.assert_array_equal(corners, expected["boxes"].numpy())
    assert (found.labels, found.texts) == ([3, 1], ["blue", "red"])
    assert found.crowd == expected["crowd"].numpy().tolist() == [False, True]
    assert found.area == [0, 1]
    assert not any(found.difficult + found.truncated)


def test_the_keys_of_tfds():
    found = parse(
        example(
            image=[b"jpeg"],
            image__id=[42],
            objects__bbox=[0.1, 0.2, 0.5, 0.6, 0.0, 0.0, 1.0, 1.0],
            objects__label=[2, 0],
            objects__is_difficult=[1, 0],
            objects__area=[7.5, 9.0],
        )
    )
    assert (found.image, found.source_id, found.declared_size) == (b"jpeg", "42", None)
    np.testing.assert_allclose(found.corners, [[0.2, 0.1, 0.6, 0.5], [0, 0, 1, 1]])
    assert (found.labels, found.texts, found.area) == ([2, 0], [], [7.5, 9])
    assert found.difficult == [True, False]


def test_an_image_alone():
    found = parse(example(image__encoded=[b"x"]))
    assert (found.corners, found.labels, found.area, found.declared_size) == ([], [], None, None)
    assert len(found.source_id) == 16  # made of the image


@pytest.mark.parametrize(
    ("serialized", "message"),
    [
        (b"no example", "record 3: found 10 bytes, expected a tf.train.Example"),
        (
            example(image__object__class__label=[1, 2], image__object__bbox__xmin=[0.5]),
            "record 3, image/object/bbox/xmin: found 1 values, expected 2, one an object",
        ),
        (
            example(image__object__class__label=[1, 2]),
            "record 3, image/object/bbox/xmin: found 0 values, expected 2, one an object",
        ),
        (
            example(objects__label=[1], objects__bbox=[0.1, 0.2, 0.3]),
            "record 3, objects/bbox: found 3 values, expected 4, four an object",
        ),
        (
            example(objects__label=[1], objects__bbox=[0.1] * 4, objects__is_crowd=[0, 1]),
            "record 3, objects/is_crowd: found 2 values, expected 1, one an object",
        ),
    ],
)
def test_a_faulty_record(serialized, message):
    with pytest.raises(BadRecord, match=f"x-train.tfrecord: {message}"):
        parse(serialized)


KEYS = ("image/encoded", "image", "image/height", "image/width", "image/id", "image/source_id",
        "image/object/bbox/xmin", "image/object/bbox/ymin", "image/object/bbox/xmax",
        "image/object/bbox/ymax", "image/object/class/label", "image/object/class/text",
        "image/object/area", "objects/bbox", "objects/label", "objects/is_crowd")  # fmt: skip
LISTS = (
    st.lists(st.binary(max_size=4), min_size=1, max_size=4)
    | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4)
    | st.lists(st.floats(width=32), min_size=1, max_size=4)
)


@given(st.dictionaries(st.sampled_from(KEYS), LISTS))
@settings(deadline=None)
def test_any_features_give_a_record_or_one_line(values):
    try:
        found = parse(example(**values))
    except BadRecord as error:
        check_message(error)
    else:
        assert len(found.corners) == len(found.texts or found.labels) == len(found.crowd)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(1, 255))
@settings(deadline=None)
def test_any_bytes_give_a_record_or_one_line(data, at, flip):
    damaged = bytearray(record("f", BOXES, [2, 0], image=b"abc"))
    damaged[at % len(damaged)] ^= flip
    for serialized in (data, bytes(damaged), bytes(damaged)[:at]):
        try:
            parse(serialized)
        except BadRecord as error:
            check_message(error)
