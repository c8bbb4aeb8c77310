import json
import multiprocessing

import pytest

from yolo_tf.data.records.card import Card, find_card, read_card, update_card
from yolo_tf.errors import UserError

ENTRY = {"images": 3, "boxes": 4}


def test_splits_are_merged(tmp_path):
    path = tmp_path / "toy.json"
    update_card(path, "toy", ["a", "b"], "val", ENTRY)
    update_card(path, "toy", ["a", "b"], "train", {"images": 9})
    update_card(path, "toy", ["a", "b"], "train", {"images": 10})
    assert read_card(path) == Card("toy", ["a", "b"], {"train": {"images": 10}, "val": ENTRY})
    assert [p.name for p in tmp_path.iterdir()] == ["toy.json"]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["b", "a"], "the order differs"),
        (["a", "c"], "only in the card: b; only in the data or names: c"),
    ],
)
def test_other_classes_are_refused(tmp_path, classes, message):
    path = tmp_path / "toy.json"
    update_card(path, "toy", ["a", "b"], "val", ENTRY)
    before = path.read_bytes()
    with pytest.raises(UserError, match=message):
        update_card(path, "toy", classes, "train", ENTRY)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "not readable as a data set card"),
        ("[" * 100_000, "not readable as a data set card"),
        ("[]", "name: found nothing, expected a str"),
        ('{"name": "x", "classes": "a", "splits": {}}', "classes: found str, expected a list"),
        ('{"name": "x", "classes": [], "splits": {}}', "classes: found no class name"),
        (
            '{"name": "x", "classes": ["a", 3], "splits": {}}',
            "class 1: found 3, expected a class name",
        ),
        (
            '{"name": "x", "classes": ["a", "a"], "splits": {}}',
            "class 1: found 'a', which class 0 has",
        ),
        ('{"name": "x", "classes": ["a"], "splits": []}', "splits: found list, expected a dict"),
        ('{"name": "x", "classes": ["a"], "splits": {"t": 1}}', "splits.t: found 1"),
    ],
)
def test_faulty_cards_are_refused(tmp_path, text, message):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_card(path)
    assert "\n" not in str(caught.value)


def test_a_missing_card(tmp_path):
    with pytest.raises(UserError, match="not readable as a data set card"):
        read_card(tmp_path / "none.json")


@pytest.mark.parametrize(
    "pattern",
    [
        "my-toy-train.tfrecord-00000-of-00002",
        "my-toy-train.tfrecord-*",
        "my-toy-train*",
        "my-toy-*",
        "my-*",
        "*train*",
        "elsewhere*, my-toy-train*",
        "my-toy-val-2.tfrecord*",
    ],
)
def test_the_card_is_found(tmp_path, pattern):
    update_card(tmp_path / "my-toy.json", "my-toy", ["a"], "train", ENTRY)
    (tmp_path / "my-toy-train.tfrecord-00000-of-00002").touch()
    pattern = ",".join(str(tmp_path / part.strip()) for part in pattern.split(","))
    assert find_card(pattern) == tmp_path / "my-toy.json"


def test_no_card(tmp_path):
    assert find_card(str(tmp_path / "toy-train*")) is None
    assert find_card(str(tmp_path / "nowhere" / "toy-train*")) is None
    assert find_card("") is None


def test_cards_that_disagree(tmp_path):
    for name, classes in (("x", ["a"]), ("y", ["a"]), ("z", ["b"])):
        content = {"name": name, "classes": classes, "splits": {}}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    assert find_card(f"{tmp_path}/x-train*,{tmp_path}/y-train*") == tmp_path / "x.json"
    with pytest.raises(UserError, match=r"z\.json: classes"):
        find_card(f"{tmp_path}/x-train*,{tmp_path}/z-train*")


def _enter(path, number, barrier):
    barrier.wait()
    update_card(path, "toy", ["a", "b"], f"split{number}", ENTRY)


def test_splits_that_enter_at_the_same_moment(tmp_path):
    context = multiprocessing.get_context("fork")
    for attempt in range(10):
        path = tmp_path / str(attempt) / "toy.json"
        path.parent.mkdir()
        barrier = context.Barrier(6)
        entering = [context.Process(target=_enter, args=(path, n, barrier)) for n in range(6)]
        for process in entering:
            process.start()
        for process in entering:
            process.join()
        assert sorted(read_card(path).splits) == [f"split{n}" for n in range(6)]
        assert [file.name for file in path.parent.iterdir()] == ["toy.json"]
