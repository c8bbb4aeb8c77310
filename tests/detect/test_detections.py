"""What was found in an image: looked at, picked from, drawn, written."""

import io
import json
import sys
import types

import numpy as np
import pytest
from PIL import Image

from yolo_tf.detect.detections import Detections
from yolo_tf.errors import UserError

NAMES = ["cat", "dog", "cow"]


@pytest.fixture
def found():
    """Two dogs and a cow in an image of 40 x 80."""
    return Detections(
        np.full((40, 80, 3), 90, np.uint8),
        np.array([[0, 0, 0.5, 0.25], [0.5, 0.5, 1, 1], [0.1, 0.1, 0.2, 0.3]], np.float32),
        np.array([0.9, 0.705, 0.2], np.float32),
        np.array([1, 2, 1], np.int32),
        NAMES,
    )


def test_each_object(found):
    assert len(found) == 3
    assert [one.class_name for one in found] == ["dog", "cow", "dog"]
    cow = found[1]
    assert (cow.label, cow.box, cow.pixels) == (2, (0.5, 0.5, 1, 1), (20, 40, 40, 80))
    assert cow.score == pytest.approx(0.705)
    assert found[-1].score == pytest.approx(0.2)
    with pytest.raises(IndexError):
        found[3]


def test_picking(found):
    assert found[:2].scores.tolist() == found.scores[:2].tolist()
    assert len(found[found.scores > 0.5]) == 2
    assert found[[2]].image is found.image
    assert found.only(0.5).classes.tolist() == [1, 2]
    assert found.only(classes=["dog"]).classes.tolist() == [1, 1]
    assert len(found.only(0.5, ["cat", "dog"])) == 1
    with pytest.raises(UserError, match="classes: unknown name 'cwo'; did you mean 'cow'"):
        found.only(classes=["cwo"])
    with pytest.raises(UserError, match="classes: found no name, expected at least one"):
        found.only(classes=[])
    with pytest.raises(UserError, match="classes: found the text 'dog', expected a list"):
        found.only(classes="dog")


def test_as_text(found):
    assert str(found) == repr(found) == "3 objects: dog 0.90, cow 0.70, dog 0.20"
    assert repr(found[:1]) == "1 object: dog 0.90"
    assert repr(found[:0]) == "no objects"
    assert repr(found[[0] * 12]).endswith("dog 0.90, 2 more")


def test_drawn(found):
    drawn = found.draw()
    assert isinstance(drawn, Image.Image)
    assert drawn.size == (80, 40)
    assert (np.asarray(drawn) != found.image).any()
    assert (found.image == 90).all()
    np.testing.assert_array_equal(np.asarray(found[:0].draw()), found.image)


def test_a_notebook_shows_the_drawn_image(found):
    shown = Image.open(io.BytesIO(found._repr_png_()), formats=["PNG"])
    np.testing.assert_array_equal(shown, found.draw())


def test_for_supervision(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(UserError, match="pip install supervision"):
        found.to_supervision()
    seen = types.SimpleNamespace(Detections=types.SimpleNamespace)
    monkeypatch.setitem(sys.modules, "supervision", seen)
    other = found.to_supervision()
    assert other.xyxy.tolist()[1] == [40, 20, 80, 40]  # x before y, in pixels
    assert other.class_id.tolist() == [1, 2, 1]
    assert other.confidence.tolist() == found.scores.tolist()
    assert other.data["class_name"].tolist() == ["dog", "cow", "dog"]
    assert found[:0].to_supervision().xyxy.shape == (0, 4)


def test_as_a_dict(found):
    entry = json.loads(json.dumps(found.to_dict()))
    assert (entry["height"], entry["width"], entry["num_detections"]) == (40, 80, 3)
    assert entry["detection_boxes"][0] == [0, 0, 0.5, 0.25]
    assert entry["detection_scores"] == pytest.approx([0.9, 0.705, 0.2])
    assert entry["detection_classes"] == [1, 2, 1]
    assert entry["detection_class_names"] == ["dog", "cow", "dog"]


def test_as_coco_results(found):
    rows = json.loads(json.dumps(found.to_coco(139)))
    assert rows[1] == {
        "image_id": 139, "category_id": 3, "bbox": [40, 20, 40, 20], "score": 0.705
    }  # fmt: skip
    ids = [row["category_id"] for row in found.to_coco(1, category_ids=np.array([17, 18, 21]))]
    assert ids == [18, 21, 18]
