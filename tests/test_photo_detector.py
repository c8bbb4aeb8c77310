"""Photos of every kind in, detections out."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.detect.fixed import DETECTOR, picture
from yolo_tf.errors import UserError

PHOTO = np.zeros((40, 60, 3), np.uint8)


def test_a_photo_of_every_kind(tmp_path):
    path = picture(tmp_path / "photo.png", height=40, width=60)
    for photo in (path, str(path), PHOTO, PHOTO / 255.0, Image.fromarray(PHOTO)):
        found = DETECTOR.detect(photo)
        assert found.photo.shape == (40, 60, 3)
        assert found.photo.dtype == np.uint8
        assert found.names == ["dog", "cat"]
        np.testing.assert_allclose(found.pixels()[0], [4, 12, 20, 36], atol=1e-4)


def test_several_photos(tmp_path):
    path = picture(tmp_path / "photo.png", height=9, width=17)
    found = DETECTOR.detect([path, PHOTO, PHOTO[:5]], batch_size=2)
    assert [one.photo.shape[:2] for one in found] == [(9, 17), (40, 60), (5, 60)]
    assert [len(one) for one in DETECTOR.detect(np.stack([PHOTO] * 3))] == [2, 2, 2]
    assert DETECTOR.detect([]) == []


def test_the_threshold():
    assert DETECTOR.detect(PHOTO, score_threshold=0.5).names == ["dog"]
    assert len(DETECTOR.detect(PHOTO, score_threshold=0.95)) == 0


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((40, 60), np.uint8), r"found shape \(40, 60\), expected \[H, W, 3\]"),
        (np.zeros((40, 60, 4), np.uint8), r"found shape \(40, 60, 4\)"),
        (np.zeros((0, 60, 3), np.uint8), r"found shape \(0, 60, 3\)"),
        (np.zeros((2, 2, 40, 60, 3), np.uint8), "found shape"),
        (np.zeros((40, 60, 3), np.int32), "found int32, expected uint8"),
    ],
)
def test_what_is_no_photo_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        DETECTOR.detect(image)


def test_files_that_are_no_photos(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    for name, message in (("none.jpg", "found nothing"), ("text.jpg", "not a picture")):
        with pytest.raises(UserError, match=message):
            DETECTOR.detect(tmp_path / name)


def test_a_photo_that_lies_on_its_side(tmp_path):
    image = Image.fromarray(PHOTO)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    with Image.open(tmp_path / "turned.jpg") as opened:
        for photo in (tmp_path / "turned.jpg", opened):
            assert DETECTOR.detect(photo).photo.shape == (60, 40, 3)


def test_what_detections_offer():
    found = DETECTOR.detect(PHOTO)
    assert repr(found) == "<2 objects in a photo of 60x40: dog 0.90, cat 0.30>"
    assert repr(found[found.scores > 0.5]) == "<1 object in a photo of 60x40: dog 0.90>"
    assert repr(found[:0]) == "<0 objects in a photo of 60x40>"
    assert found[1].names == ["cat"]
    drawn = found.draw()
    assert drawn.size == (60, 40)
    assert np.any(np.asarray(drawn) != PHOTO)
    entry = json.loads(json.dumps(found.to_dict()))
    assert entry["detection_boxes"][0] == [0.1, 0.2, 0.5, 0.6]
    assert entry["detection_class_names"] == ["dog", "cat"]
    assert found.to_coco(7) == [
        {"image_id": 7, "category_id": 2, "bbox": [12.0, 4.0, 24.0, 16.0], "score": 0.9},
        {"image_id": 7, "category_id": 1, "bbox": [0.0, 0.0, 60.0, 40.0], "score": 0.3},
    ]
    assert [entry["category_id"] for entry in found.to_coco(7, [17, 18])] == [18, 17]
