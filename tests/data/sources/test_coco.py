import json

import numpy as np
import pytest

from tests.data.folders import coco_content, voc_options, write_coco
from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.sources.coco import CocoSource
from yolo_tf.errors import UserError


def source(root, content=None, **kwargs):
    return CocoSource(voc_options(write_coco(root, content), "train2017", **kwargs))


def test_records(tmp_path):
    coco = source(tmp_path)
    assert coco.class_names == ["cat", "dog"]  # sorted by id: 5, 18
    assert coco.ids() == ["7", "3"]
    assert coco.issues == []
    sample, issues = coco.read("7")
    assert issues == []
    assert (sample.source_id, sample.filename, sample.height, sample.width) == (
        "7",
        "7.jpg",
        40,
        60,
    )
    assert sample.classes.tolist() == [1, 0, 0]
    assert sample.crowd.tolist() == [False, True, False]
    assert sample.area.tolist() == [250.5] * 3  # the segment's, not the box's
    expected = [[5 / 40, 10 / 60, 25 / 40, 30 / 60], [0, 0, 1, 1]]
    np.testing.assert_allclose(sample.boxes[:2], expected, rtol=1e-6)


def test_an_image_without_boxes_is_kept(tmp_path):
    sample, issues = source(tmp_path).read("3")
    assert (sample.boxes.shape, sample.image_format, issues) == ((0, 4), "png", [])


def test_the_other_place_of_the_images(tmp_path):
    root = write_coco(tmp_path, images="train2017")
    assert CocoSource(voc_options(root, "train2017")).read("7")[0].filename == "7.jpg"


def test_names_may_be_given(tmp_path):
    sample, _ = source(tmp_path, class_names=("dog", "horse", "cat")).read("7")
    assert sample.classes.tolist() == [0, 2, 2]


@pytest.mark.parametrize(
    ("change", "action", "field", "found"),
    [
        ({"bbox": [10, 5, -3, 4]}, checks.BOX_SKIPPED, "bbox", "inverted"),
        ({"bbox": [10, 5, 0, 4]}, checks.EMPTY_BOX_SKIPPED, "bbox", "no area"),
        ({"bbox": [10, 5, float("nan"), 4]}, checks.BOX_SKIPPED, "bbox", "nan"),
        ({"bbox": [10, 5, float("inf"), 4]}, checks.BOX_SKIPPED, "bbox", "inf"),
        ({"bbox": [10, 5, 4]}, checks.BOX_SKIPPED, "bbox", "[10, 5, 4]"),
        ({"bbox": None}, checks.BOX_SKIPPED, "bbox", "None"),
        ({"bbox": "1,2,3,4"}, checks.BOX_SKIPPED, "bbox", "1,2,3,4"),
        ({"bbox": [50, 5, 30, 4]}, checks.BOX_SKIPPED, "bbox", "outside"),
        ({"bbox": [50, 5, 11, 4]}, checks.BOX_CLIPPED, "bbox", "50, 5, 61, 9"),
        ({"category_id": 6}, checks.BOX_SKIPPED, "bbox, class", "category_id 6"),
        ({"category_id": [5]}, checks.BOX_SKIPPED, "bbox, class", "category_id"),
    ],
)
def test_a_bad_annotation(tmp_path, change, action, field, found):
    content = coco_content()
    content["annotations"][2].update(change)
    sample, (issue,) = source(tmp_path, content).read("7")
    assert len(sample.boxes) == (3 if action == checks.BOX_CLIPPED else 2)
    assert issue.action == action
    assert issue.file == "annotations/instances_train2017.json"
    assert issue.field == f"annotations[2] (id 3), {field}"
    assert found in issue.found


@pytest.mark.parametrize("area", [None, "x", float("nan"), -5])
def test_without_an_area_that_of_the_box_counts(tmp_path, area):
    content = coco_content()
    content["annotations"][0]["area"] = area
    assert source(tmp_path, content).read("7")[0].area[0] == pytest.approx(400, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../../secret.jpg", "image id 7, file_name: found '../../secret.jpg', expected a path"),
        ("/etc/passwd", "file_name: found '/etc/passwd'"),
        ("", "file_name: found '', expected a file name"),
        (None, "file_name: found None, expected a file name"),
        ("gone.jpg", "file_name: found 'gone.jpg', expected an image in the data folder"),
        ("\ud800.jpg", "file_name: found"),
    ],
)
def test_a_bad_file_name(tmp_path, name, message):
    content = coco_content()
    content["images"][0]["file_name"] = name
    with pytest.raises(BadRecord, match=message):
        source(tmp_path, content).read("7")


def test_a_wrong_declared_size(tmp_path):
    content = coco_content()
    content["images"][0]["height"] = 41
    assert source(tmp_path, content).read("7")[1][0].action == checks.SIZE_CORRECTED
    content["images"][0].update(height=60, width=40)
    with pytest.raises(BadRecord, match="swapped"):
        source(tmp_path, content).read("7")


def test_annotations_of_no_image_are_found_on_opening(tmp_path):
    content = coco_content()
    content["annotations"][1]["image_id"] = 99
    (issue,) = source(tmp_path, content).issues
    assert issue.fatal
    assert "annotations[1] (id 2), image_id: found 99" in str(issue)
    content["annotations"][1]["image_id"] = 1.0
    (issue,) = source(tmp_path, content).issues
    assert str(issue).endswith("found 1.0, expected the id of an image of the list, a whole number")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": []}, "images: found none"),
        ({"images": None}, "images: found nothing, expected a list"),
        ({"annotations": {}}, "annotations: found dict, expected a list"),
        ({"annotations": [3]}, "annotations: found an entry that is no object"),
        ({"categories": []}, "categories: found none"),
        ({"categories": [{"id": "5", "name": "cat"}]}, "categories: found .*an int id and a name"),
        ({"categories": [{"id": 5, "name": ""}]}, "categories: found .*an int id and a name"),
        (
            {"categories": [{"id": 5, "name": "a"}, {"id": 5, "name": "b"}]},
            "categories: found id 5.*twice",
        ),
        (
            {"categories": [{"id": 5, "name": "a"}, {"id": 6, "name": "a"}]},
            "categories: found .*name 'a' twice",
        ),
        ({"images": [{"id": 1}, {"id": 1}]}, r"images\[1\].id: found 1 a second time"),
        ({"images": [{"id": None}]}, r"images\[0\].id: found None"),
    ],
)
def test_a_faulty_file(tmp_path, change, message):
    with pytest.raises(UserError, match=f"instances_train2017.json: {message}"):
        source(tmp_path, {**coco_content(), **change})


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, b"\xff\xfe\xff"])
def test_what_is_no_json(tmp_path, text):
    root = write_coco(tmp_path)
    path = root / "annotations/instances_train2017.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match="not readable as JSON"):
        CocoSource(voc_options(root, "train2017"))
    path.write_text(json.dumps([1]))
    with pytest.raises(UserError, match="images: found nothing"):
        CocoSource(voc_options(root, "train2017"))


def test_missing_places(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        CocoSource(voc_options(tmp_path / "none"))
    root = write_coco(tmp_path)
    with pytest.raises(UserError, match=r"instances_val.json: no such file; .*: train2017"):
        CocoSource(voc_options(root, "val"))
