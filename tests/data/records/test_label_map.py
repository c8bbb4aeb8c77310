import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_tf.data.records.label_map import LabelMap, likely_labels, listed_names
from yolo_tf.errors import UserError

NAMES = ["cat", "dog", "horse"]


def indices(labels, names=NAMES):
    return LabelMap.of(names, labels).indices(names)


def test_labels_that_count():
    texts = {"cat": 0, "dog": 1, "horse": 2}
    assert indices("") == ({0: 0, 1: 1, 2: 2}, texts)
    assert indices("one_based") == ({1: 0, 2: 1, 3: 2}, texts)


def test_ids_of_coco():
    names = [f"c{i}" for i in range(80)]
    by_label, _ = indices("coco91", names)
    assert (len(by_label), by_label[1], by_label[11], by_label[13], by_label[90]) == (
        *(80, 0, 10, 11, 79),
    )
    assert not by_label.keys() & {0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91}
    with pytest.raises(UserError, match="labels=coco91: found 3 classes, expected COCO's 80"):
        indices("coco91")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "map.pbtxt"
    path.write_text(
        "item { id: 7 name: '/m/1' display_name: 'dog' } item { id: 3 name: 'cat' }"
        "item { id: 9 name: 'unicorn' display_name: 'Unicorn' }"
    )
    return str(path)


def test_a_label_map(path):
    by_label, by_text = indices(path)
    assert by_label == {7: 1, 3: 0}
    assert by_text == {"cat": 0, "dog": 1, "horse": 2, "/m/1": 1}
    assert listed_names(path) == ["cat", "dog", "Unicorn"]
    # The class list may have the other name of an item.
    assert indices(path, ["/m/1", "unicorn"]) == (
        {7: 0, 9: 1},
        {"/m/1": 0, "dog": 0, "unicorn": 1, "Unicorn": 1},
    )


def test_a_label_map_of_other_classes(path):
    with pytest.raises(UserError, match=r"none of the classes: found cat, dog, Unicorn"):
        indices(path, ["a", "b"])


@pytest.mark.parametrize("labels", ["two", "map.txt", "1", "ONE_BASED"])
def test_unknown_settings(labels):
    with pytest.raises(UserError, match=f"labels: found '{labels}', expected one_based, coco91"):
        indices(labels)
    with pytest.raises(UserError, match=f"labels: found '{labels}', expected one_based, coco91"):
        listed_names(labels)


def test_what_labels_look_like():
    assert likely_labels({1, 3}, 3) == "one_based"
    assert likely_labels({0, 3}, 3) == ""
    assert likely_labels({1, 2}, 3) == ""
    assert likely_labels({1, 4}, 3) == ""
    assert likely_labels(set(), 3) == ""
    assert likely_labels({1, 90}, 80) == "coco91"
    assert likely_labels({1, 12, 90}, 80) == ""


@given(st.sets(st.integers(-5, 100)), st.integers(0, 90))
def test_a_setting_that_is_proposed_knows_all_labels(found, classes):
    likely = likely_labels(found, classes)
    if likely:
        assert found <= LabelMap.of(map(str, range(classes)), likely).by_label.keys()
