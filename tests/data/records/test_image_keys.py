"""Images by number."""

import tensorflow as tf

from tests.data.records.made import record, write
from yolo_tf.data.records.bad_records import find_images, image_key
from yolo_tf.data.records.open_records import Records


def test_keys_are_positive_distinct_and_the_same_again():
    ids = tf.constant([f"image-{i}" for i in range(5000)] + ["", "größe"])
    keys = image_key(ids).numpy()
    assert keys.dtype == "int64"
    assert (keys > 0).all()
    assert len(set(keys)) == len(keys)
    assert (image_key(ids).numpy() == keys).all()


def test_the_images_of_keys_are_found_again(tmp_path):
    pattern = write(tmp_path, [[record("a"), record("b")], [record("größe"), record("d")]])
    keys = [int(image_key(tf.constant(name))) for name in ("größe", "a")]
    assert find_images(Records.unchecked(pattern), keys) == ["a", "größe"]
    assert find_images(Records.unchecked(pattern), []) == []
    assert find_images(Records.unchecked(pattern), [12345]) == []


def test_an_image_that_is_there_twice_is_named_once(tmp_path):
    pattern = write(tmp_path, [[record("a"), record("a")]])
    assert find_images(Records.unchecked(pattern), [int(image_key(tf.constant("a")))]) == ["a"]
