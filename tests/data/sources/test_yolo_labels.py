import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.folders import check_message
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.sources.yolo import MAX_BYTES, parse_labels

NAMES = ["cat", "dog"]


def parse(text, **kwargs):
    return parse_labels(text.encode(), NAMES, "a", "labels/a.txt", **kwargs)


def test_boxes_are_corners():
    (box,) = parse("1 0.5 0.25 0.2 0.5").boxes
    assert (box.name, box.field, box.fault) == ("dog", "line 1", "")
    assert box.corners == pytest.approx((0.4, 0, 0.6, 0.5))


def test_numbers_may_be_written_in_any_way():
    assert [b.name for b in parse("\ufeff1.0 .5 5e-1 0.50 +0.5\t\r\n\n 0\t0.5 0.5 1 1").boxes] == [
        "dog",
        "cat",
    ]


def test_an_oriented_box_is_a_polygon():
    labels = parse("0 0.5 0.1 0.9 0.5 0.5 0.9 0.1 0.5")
    assert labels.polygons == [1]
    assert labels.boxes[0].corners == pytest.approx((0.1, 0.1, 0.9, 0.9))


def test_key_points_follow_the_box():
    labels = parse("0 0.5 0.5 0.2 0.2 0.1 0.1 2 0.9 0.9 1", keypoint_values=6)
    assert labels.polygons == []
    assert labels.boxes[0].corners == pytest.approx((0.4, 0.4, 0.6, 0.6))
    (box,) = parse("0 0.5 0.5 0.2 0.2", keypoint_values=6).boxes
    assert box.fault == "11: class cx cy w h"


def test_a_file_too_large_for_labels():
    with pytest.raises(BadRecord, match=r"labels: found .* bytes, expected at most"):
        parse("0" * (MAX_BYTES + 1))


NUMBERS = st.one_of(
    st.floats(width=32).map(str),
    st.integers(-(10**400), 10**400).map(str),
    st.sampled_from(["0", "1", "0.5", "1_0", "0x1", "١", "nan", "-", "1e", "\x00", "½"]),
    st.text(max_size=5),
)


@given(st.lists(st.lists(NUMBERS, max_size=12).map(" ".join), max_size=12).map("\n".join))
def test_any_text_gives_boxes_or_faults(text):
    try:
        labels = parse_labels(text.encode("utf-8", "surrogatepass"), NAMES, "a", "a.txt")
    except BadRecord:
        return
    for box in labels.boxes:
        assert box.fault or box.name in NAMES
        assert box.fault or all(abs(v) < 10 for v in box.corners)


@given(st.binary(max_size=200))
def test_any_bytes_give_boxes_or_a_bad_record(data):
    try:
        labels = parse_labels(data, NAMES, "a", "a.txt")
    except BadRecord as error:
        check_message(error)
    else:
        assert all(box.field.startswith("line ") for box in labels.boxes)
