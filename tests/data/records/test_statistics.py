import dataclasses

import numpy as np
import pytest

from tests.data.records.made import NAMES, edited, record, write
from yolo_tf.data.records.open_records import Records
from yolo_tf.data.records.statistics import record_statistics
from yolo_tf.errors import UserError

BOXES = [[0.0, 0.0, 0.5, 0.25], [0.25, 0.5, 0.5, 1.0]]


@pytest.fixture
def records(tmp_path):
    crowd = [False, False, True]
    shards = [
        [record("a", BOXES, [0, 2], (50, 100)), record("b", size=(50, 100))],
        [record("c", [*BOXES, [0, 0, 1, 1]], [2, 7, 2], (50, 100), crowd)],
    ]
    return Records.unchecked(write(tmp_path, shards), NAMES)


def test_counts(records):
    found = record_statistics(records, (100, 200), max_boxes=2)
    assert (found.images, found.boxes, found.crowd_boxes) == (3, 5, 1)
    assert found.boxes_per_class.tolist() == [1, 0, 3]
    assert (found.most_boxes, found.images_without_boxes, found.images_over_max_boxes) == (3, 1, 1)


def test_labels_that_count_otherwise(tmp_path):
    serialized = edited(record("a", BOXES, [0, 2]), ["image/object/class/text"])  # labels 1, 3
    records = Records.unchecked(write(tmp_path, [[serialized]]), NAMES)
    for labels, expected in (("one_based", [1, 0, 1]), ("", [0, 1, 0])):
        found = record_statistics(dataclasses.replace(records, labels=labels), (100, 200), 10)
        assert found.boxes_per_class.tolist() == expected


def test_box_sizes_are_in_input_pixels(records):
    stretched = record_statistics(records, (100, 100), 100).wh
    np.testing.assert_allclose(stretched, [[25, 50], [50, 25]] * 2)
    letterboxed = record_statistics(records, (100, 100), 100, "letterbox").wh
    np.testing.assert_allclose(letterboxed, [[25, 25], [50, 12.5]] * 2)


def test_no_boxes_at_all(tmp_path):
    found = record_statistics(Records.unchecked(write(tmp_path, [[record("a")]]), NAMES), (8, 8), 1)
    assert (found.images, found.boxes, found.most_boxes) == (1, 0, 0)
    assert found.wh.shape == (0, 2)


def test_letterbox_needs_the_size_of_the_image(tmp_path):
    image = b"never decoded"
    nameless = record("nameless", BOXES, size=(-1, -1), image=image)
    records = Records.unchecked(write(tmp_path, [[nameless]]), NAMES)
    record_statistics(records, (8, 8), 1)
    with pytest.raises(UserError, match="image 'nameless': image/height"):
        record_statistics(records, (8, 8), 1, "letterbox")


@pytest.mark.parametrize(
    "bad", [[0.5, 0, 0.25, 1], [float("nan"), 0, 1, 1], [0, 0, float("inf"), 1]]
)
def test_a_box_that_is_none_is_refused_by_name(tmp_path, bad):
    records = Records.unchecked(
        write(tmp_path, [[record("good", BOXES), record("odd", [BOXES[0], bad])]]), NAMES
    )
    with pytest.raises(UserError, match="image 'odd': box 2: found"):
        record_statistics(records, (8, 8), 1)
