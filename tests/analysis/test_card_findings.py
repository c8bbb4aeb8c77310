import json

import pytest

from yolo_tf.analysis.readers import card_findings
from yolo_tf.data.checks import BOX_SKIPPED, EMPTY_BOX_SKIPPED, IMAGE_CONVERTED, Issue
from yolo_tf.data.records.card import update_card
from yolo_tf.data.records.open_records import Records
from yolo_tf.errors import UserError

SHARD = "toy-train.tfrecord-00000-of-00001"


def issue(record, action):
    return Issue(record, f"{record}.xml", "object 1, bndbox", "1, 1, 1, 1", "an area", action)


def write(folder, **entry):
    (folder / SHARD).write_bytes(b"")
    update_card(folder / "toy.json", "toy", ["cat"], "train", {"images": 1, **entry})
    return card_findings("train", Records(str(folder / "toy-train*"), [str(folder / SHARD)], []))


def test_what_the_build_left_out(tmp_path):
    skipped = [issue("a", EMPTY_BOX_SKIPPED).to_dict(), issue("b", BOX_SKIPPED).to_dict()]
    changed = [issue("c", IMAGE_CONVERTED).to_dict()]
    found = write(tmp_path, skipped=skipped, changed=changed)
    assert [(f.kind, f.image, f.place) for f in found] == [
        ("left_out", "a", "a.xml: object 1, bndbox"),
        ("left_out", "b", "b.xml: object 1, bndbox"),
    ]


def test_a_long_list_is_in_a_file_of_its_own(tmp_path):
    listed = [issue(f"a{n}", EMPTY_BOX_SKIPPED).to_dict() for n in range(5)]
    listed.append(issue("c", IMAGE_CONVERTED).to_dict())
    (tmp_path / "toy-train.issues.json").write_text(json.dumps(listed))
    found = write(tmp_path, skipped=listed[:1], changed=[], issues="toy-train.issues.json")
    assert [f.image for f in found] == [f"a{n}" for n in range(5)]


def test_without_a_card(tmp_path):
    assert card_findings("train", Records(str(tmp_path / "x*"), [str(tmp_path / "x")], [])) == []


@pytest.mark.parametrize("skipped", [[{"file": "x"}], [3], ["x"]])
def test_a_card_that_is_damaged(tmp_path, skipped):
    with pytest.raises(UserError, match="found no list of issues"):
        write(tmp_path, skipped=skipped)
