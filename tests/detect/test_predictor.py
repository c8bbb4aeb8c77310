"""Photos of every kind to what was found in them."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.detect.fixed import BOXES, DETECTOR, NAMES, Fixed
from yolo_tf.detect.detections import Detections
from yolo_tf.errors import UserError

PHOTO = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)


@pytest.fixture
def path(tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def check(found, photo=PHOTO):
    assert isinstance(found, Detections)
    np.testing.assert_array_equal(found.photo, photo)
    assert found.photo.dtype == np.uint8
    np.testing.assert_allclose(found.boxes, BOXES[:2], atol=1e-6)
    assert found.classes.tolist() == [1, 0]
    assert found.class_names == NAMES


def test_one_photo_of_any_kind_gives_one_result(path):
    forms = [path, str(path), Image.fromarray(PHOTO), PHOTO, PHOTO / 255, tf.constant(PHOTO)]
    for photo in forms:
        check(DETECTOR.detect(photo))
    check(DETECTOR.detect(tf.constant(PHOTO / np.float32(255))))


def test_several_photos_give_a_list(path):
    for several in (PHOTO[None], np.stack([PHOTO] * 3), tf.constant(PHOTO[None]) / 255):
        found = DETECTOR.detect(several)
        assert len(found) == len(several)
        for one in found:
            check(one)
    small = np.zeros((17, 9, 3), np.uint8)
    mixed = [path, small, Image.fromarray(PHOTO), str(path), tf.constant(PHOTO), PHOTO / 255]
    found = DETECTOR.detect(mixed, batch_size=4)
    for number, one in enumerate(found):
        check(one, small if number == 1 else PHOTO)
    assert len(DETECTOR.detect(path.parent.glob("*.png"))) == 1
    assert DETECTOR.detect([]) == []


def test_photos_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    Image.fromarray(PHOTO).save(tmp_path / "a.png", exif=exif)
    check(DETECTOR.detect(tmp_path / "a.png"), np.rot90(PHOTO, -1))
    with Image.open(tmp_path / "a.png") as image:
        check(DETECTOR.detect(image), np.rot90(PHOTO, -1))


def test_thresholds_and_classes():
    assert [len(DETECTOR.detect(PHOTO, score)) for score in (0, 0.3, 0.31, 0.95)] == [2, 2, 1, 0]
    assert DETECTOR.detect(PHOTO, classes=["cat"])[0].class_name == "cat"
    with pytest.raises(UserError, match="classes: unknown name 'cta'; did you mean 'cat'"):
        DETECTOR.detect(PHOTO, classes=["cta"])


def test_the_batch_goes_in_parts():
    sizes = []

    class Counting(Fixed):
        traceable = False

        def detect_inputs(self, images):
            sizes.append(images.shape)
            return super().detect_inputs(images)

    assert len(Counting(NAMES, (32, 64)).detect([PHOTO] * 5, batch_size=2)) == 5
    assert sizes == [(2, 32, 64, 3), (2, 32, 64, 3), (1, 32, 64, 3)]


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (PHOTO[..., 0], r"photo: found shape \(30, 40\), expected \[H, W, 3\]"),
        (np.zeros((40, 60, 4), np.uint8), r"photo: found shape \(40, 60, 4\)"),
        ([PHOTO, PHOTO[None]], r"photo: found shape \(1, 30, 40, 3\)"),
        (np.zeros((2, 2, 40, 60, 3), np.uint8), "photo: found shape"),
        (np.zeros((0, 60, 3), np.uint8), "photo: found shape"),
        (PHOTO.astype(np.int32), "photo: found int32, expected uint8"),
        (PHOTO.astype(np.float32), "found float values from 0 to 255, expected 0 to 1"),
        (PHOTO / 127.5 - 1, "found float values from -1 to 1, expected 0 to 1"),
        (PHOTO * np.nan, "found float values from nan to nan"),
        (["none.jpg"], "none.jpg: found nothing, expected a picture file"),
        (Path(__file__), "not a picture that Pillow can read"),
        (Image.new("F", (9, 9)), "PIL image: found float values, expected a picture of 8 or 16"),
    ],
)
def test_what_is_no_photo_is_refused(photo, message):
    with pytest.raises(UserError, match=message):
        DETECTOR.detect(photo)


def test_what_is_no_photo_at_all():
    with pytest.raises(TypeError, match="found int, expected a path, a PIL image, an array"):
        DETECTOR.detect(3)
