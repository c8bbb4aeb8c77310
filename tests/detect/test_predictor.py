"""Images of every kind to what was found in them."""

import copy
import io
import math
import pickle
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
    np.testing.assert_array_equal(found.image, photo)
    assert found.image.dtype == np.uint8
    np.testing.assert_allclose(found.boxes, BOXES[:2], atol=1e-6)
    assert found.classes.tolist() == [1, 0]
    assert found.class_names == NAMES


def test_one_image_of_any_kind_gives_one_result(path):
    forms = [path, str(path), Image.fromarray(PHOTO), PHOTO, PHOTO / 255, tf.constant(PHOTO)]
    for photo in forms:
        check(DETECTOR.detect(photo))
    check(DETECTOR.detect(tf.constant(PHOTO / np.float32(255))))


def test_several_images_give_a_list(path):
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


def test_images_are_turned_upright(tmp_path):
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
        (PHOTO[..., 0], r"image: found shape \(30, 40\), expected \[H, W, 3\]"),
        (np.zeros((40, 60, 4), np.uint8), r"image: found shape \(40, 60, 4\)"),
        ([PHOTO, PHOTO[None]], r"image 2 of the list: found shape \(1, 30, 40, 3\)"),
        (np.zeros((2, 2, 40, 60, 3), np.uint8), "image: found shape"),
        (np.zeros((0, 60, 3), np.uint8), "image: found shape"),
        (PHOTO.astype(np.int32), "image: found int32, expected uint8"),
        (PHOTO.astype(np.float32), "found float values from 0 to 255, expected 0 to 1"),
        (PHOTO / 127.5 - 1, "found float values from -1 to 1, expected 0 to 1"),
        (PHOTO * np.nan, "found float values from nan to nan"),
        (["none.jpg"], "none.jpg: found nothing, expected an image file"),
        (Path(__file__), "not an image, expected one of JPEG, PNG, BMP, GIF, TIFF, WEBP"),
        (Image.new("F", (9, 9)), "PIL image: found float values, expected an image of 8 or 16"),
        (3, "image: found int, expected a path, the bytes of an image file or an open one, a PIL"),
        (None, "image: found NoneType, expected a path"),
        ([PHOTO, None], "image 2 of the list: found NoneType, expected a path"),
        ([PHOTO, 3], "image 2 of the list: found int, expected a path"),
        ([PHOTO, [1, 2]], "image 2 of the list: found list, expected a path"),
        ([PHOTO, PHOTO[..., 0]], r"image 2 of the list: found shape \(30, 40\)"),
        ([PHOTO, b"no image"], r"image 2 of the list \(8 bytes\): not a"),
        (b"", r"image \(0 bytes\): not a"),
        (io.BytesIO(b"\xff\xd8\xff\xe0 cut"), r"image \(8 bytes\): "),
        (io.StringIO("text"), "image: found str, expected a path"),
        ("a" * 5000, "found nothing, expected an image file"),
        ("a\0b", "found nothing, expected an image file"),
    ],
)
def test_what_is_no_image_is_refused(photo, message):
    with pytest.raises(UserError, match=message):
        DETECTOR.detect(photo)


def test_bytes_and_open_files_are_images(path):
    data = path.read_bytes()
    for photo in (data, bytearray(data), memoryview(data), io.BytesIO(data)):
        check(DETECTOR.detect(photo))
    with path.open("rb") as file:
        check(DETECTOR.detect(file))
    for one in DETECTOR.detect([data, path, io.BytesIO(data)]):
        check(one)


def test_what_was_found_does_not_share_the_callers_memory():
    for photo in (PHOTO.copy(), np.stack([PHOTO] * 2), [PHOTO.copy()]):
        found = DETECTOR.detect(photo)
        one = found if isinstance(found, Detections) else found[0]
        (photo[0] if isinstance(photo, list) else photo)[:] = 0
        np.testing.assert_array_equal(one.image, PHOTO)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        *(({"batch_size": n}, "batch_size: found -?[01], expected at least 1") for n in (0, -1)),
        *(
            ({"batch_size": n}, "batch_size: found .*, expected a whole number")
            for n in (1.5, "8", None, True, math.nan, [8])
        ),
        *(
            ({"score_threshold": s}, "score_threshold: found .*, expected a number from 0 to 1")
            for s in (50, -1, 1.01, math.nan, math.inf, "0.3", None, True, [0.3], 1j)
        ),
        ({"classes": "cat"}, "classes: found the text 'cat', expected a list of names"),
        ({"classes": b"cat"}, "classes: found bytes"),
        ({"classes": 3}, "classes: found int 3, expected a list"),
        ({"classes": []}, "classes: found no name, expected at least one"),
        ({"classes": [0]}, "classes: unknown name 0"),
        ({"classes": [None]}, "classes: unknown name None"),
        ({"classes": ["cat", "c" * 10**7]}, "classes: unknown name 'cc"),
    ],
)
def test_arguments_that_cannot_be(settings, message):
    for photos in (PHOTO, [PHOTO], []):
        with pytest.raises(UserError, match=message) as caught:
            DETECTOR.detect(photos, **settings)
        assert len(str(caught.value)) < 5000


def test_an_open_file_that_cannot_be_read(tmp_path):
    closed = io.BytesIO(b"x")
    closed.close()
    with pytest.raises(UserError, match="image: the open file cannot be read: I/O operation on"):
        DETECTOR.detect(closed)
    again = pytest.raises(UserError, match="image 2 of the list: the open file cannot be read")
    with (tmp_path / "a").open("wb") as written, again:
        DETECTOR.detect([PHOTO, written])


def test_arguments_of_every_right_kind():
    for settings in (
        {"classes": (name for name in NAMES)},
        {"classes": dict.fromkeys(NAMES)},
        {"score_threshold": np.float32(0.1), "batch_size": np.int64(2)},
        {"score_threshold": 0, "batch_size": 10**9},
    ):
        found = DETECTOR.detect([PHOTO] * 3, **settings)
        assert [len(one) for one in found] == [2, 2, 2]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("iou_threshold", 2, r"nms.iou_threshold: found 2, expected at least 0 and at most 1"),
        ("iou_threshold", math.nan, "nms.iou_threshold: found nan, expected a finite number"),
        ("max_detections", 0, "nms.max_detections: found 0, expected at least 1"),
        ("max_detections", "3", "nms.max_detections: found '3', expected a whole number"),
        ("score_threshold", -1, "nms.score_threshold: found -1"),
        ("kind", "sfot", "nms.kind: found 'sfot', expected one of greedy"),
    ],
)
def test_a_changed_suppression_is_checked(name, value, message):
    detector = Fixed(NAMES, (32, 32))
    detector.nms.iou_threshold = 0.4
    check(detector.detect(PHOTO))
    setattr(detector.nms, name, value)
    with pytest.raises(UserError, match=message):
        detector.detect(PHOTO)
    detector.nms = {"iou_threshold": 0.5}
    with pytest.raises(UserError, match="nms: found dict, expected a NmsConfig"):
        detector.detect(PHOTO)


def test_a_suppression_within_the_model_cannot_be_changed():
    class Exported(Fixed):
        fixed_nms = True

    detector = Exported(NAMES, (32, 32))
    check(detector.detect(PHOTO))
    detector.nms.iou_threshold = 0.4
    with pytest.raises(UserError, match=r"nms: .* this model has its suppression inside"):
        detector.detect(PHOTO)


def test_a_detector_is_no_thing_to_copy():
    for copying in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(UserError, match=r"a detector cannot be .*; load it where"):
            copying(DETECTOR)
