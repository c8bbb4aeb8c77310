import json

import pytest

from tests.data.folders import coco_content, voc_options, write_coco
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.sources.coco import CocoSource
from yolo_tf.data.sources.coco_index import CocoIndex
from yolo_tf.errors import UserError


def index(folder, content):
    path = folder / "x.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return CocoIndex(path)


def test_entries_come_back_in_the_order_of_the_file(tmp_path):
    content = coco_content()
    content["images"].append({"id": "Zürich", "file_name": "ü.jpg"})
    owners = [3, "Zürich", 7, 99, 3, "7"]
    content["annotations"] = [{"id": n, "image_id": owner} for n, owner in enumerate(owners)]
    content = {key: content[key] for key in ("annotations", "categories", "images")}
    found = index(tmp_path, content)
    assert found.ids == ["7", "3", "Zürich"]
    assert found.categories == content["categories"]
    assert found.image("Zürich") == content["images"][2]
    positions = {key: [n for n, _ in found.annotations(key)] for key in (*found.ids, None)}
    assert positions == {"7": [2, 5], "3": [0, 4], "Zürich": [1], None: [3]}
    assert list(found.annotations("Zürich")) == [(1, content["annotations"][1])]


def test_no_annotations(tmp_path):
    found = index(tmp_path, {**coco_content(), "annotations": []})
    assert list(found.annotations("7")) == list(found.annotations(None)) == []


def test_a_list_twice(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(coco_content())[:-1] + ', "images": [{"id": 1}]}')
    with pytest.raises(UserError, match="images: found a second time, expected it once"):
        CocoIndex(path)


def test_a_file_that_changes_under_way(tmp_path):
    source = CocoSource(voc_options(write_coco(tmp_path), "train2017"))
    (tmp_path / "annotations/instances_train2017.json").write_text("{}")
    with pytest.raises(BadRecord, match=r"image id 7: found .*, expected the file as it was"):
        source.read("7")
