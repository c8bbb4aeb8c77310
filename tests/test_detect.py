"""Pictures in, drawn pictures and a list out."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from yolo_tf.detect import detect_pictures, find_pictures
from yolo_tf.errors import UserError


def picture(path, height=30, width=40):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (90, 120, 150)).save(path)
    return path


def detect(photo):
    """Two objects and padding, whatever the photo."""
    return {
        "detection_boxes": np.array([[[0.1, 0.2, 0.5, 0.6], [0, 0, 1, 1], [0, 0, 0, 0]]], "f4"),
        "detection_scores": np.array([[0.9, 0.3, 0.0]], "f4"),
        "detection_classes": np.array([[1, 0, -1]], "i4"),
        "num_detections": np.array([2], "i4"),
    }


DETECTOR = SimpleNamespace(detect=detect, class_names=["cat", "dog"])


@pytest.fixture
def output(tmp_path):
    folder = tmp_path / "found"
    folder.mkdir()
    return folder


def test_find_a_picture_a_folder_and_a_pattern(tmp_path):
    names = ("b.JPG", "a.png", "c.webp", "d.txt", "deep/e.jpg")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert find_pictures(str(tmp_path / "d.txt")) == [
        tmp_path / "d.txt"
    ]  # named: not for us to say
    assert [p.name for p in find_pictures(str(tmp_path))] == ["a.png", "b.JPG", "c.webp"]
    assert [p.name for p in find_pictures(f"{tmp_path}/*.png")] == ["a.png"]
    assert [p.name for p in find_pictures(f"{tmp_path}/**/*.jpg")] == ["e.jpg"]
    odd = tmp_path / "a[1].png"
    odd.write_bytes(b"")
    assert find_pictures(str(odd)) == [odd]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "no picture .* in this folder"),
        ("none.jpg", "no such file or folder, and no file matches"),
        ("*.jpg", "no such file or folder, and no file matches"),
    ],
)
def test_nothing_to_find(tmp_path, name, message):
    with pytest.raises(UserError, match=message) as caught:
        find_pictures(f"{tmp_path}/{name}")
    assert str(caught.value).startswith(f"--input={tmp_path}/{name}: ")


def test_every_picture_is_drawn_and_listed(tmp_path, output):
    paths = [picture(tmp_path / "in" / "a.jpg"), picture(tmp_path / "in" / "b.png", 50, 20)]
    results, problems = detect_pictures(DETECTOR, paths, output, score_threshold=0.25)
    assert problems == []
    assert json.loads((output / "detections.json").read_text()) == results
    assert sorted(p.name for p in output.iterdir()) == ["a.jpg", "b.png", "detections.json"]
    first, second = results
    assert first["image"] == str(paths[0])
    assert (second["height"], second["width"]) == (50, 20)
    assert first["num_detections"] == 2
    assert first["detection_boxes"][0] == pytest.approx([0.1, 0.2, 0.5, 0.6], abs=1e-6)
    assert first["detection_classes"] == [1, 0]
    assert first["detection_class_names"] == ["dog", "cat"]
    with Image.open(output / second["drawn"]) as drawn:
        assert drawn.size == (20, 50)
        colours = np.unique(np.asarray(drawn.convert("RGB")).reshape(-1, 3), axis=0)
        assert len(colours) > 1  # something is drawn on the plain picture


@pytest.mark.parametrize(("threshold", "count"), [(0.0, 2), (0.3, 2), (0.31, 1), (0.95, 0)])
def test_the_threshold(tmp_path, output, threshold, count):
    results, _ = detect_pictures(DETECTOR, [picture(tmp_path / "a.png")], output, threshold)
    entry = results[0]
    assert entry["num_detections"] == len(entry["detection_boxes"]) == count


def test_a_broken_picture_is_reported_and_the_rest_is_done(tmp_path, output):
    broken = tmp_path / "b.jpg"
    broken.write_bytes(b"no picture")
    paths = [picture(tmp_path / "a.jpg"), broken, picture(tmp_path / "c.jpg")]
    results, problems = detect_pictures(DETECTOR, paths, output, 0.25)
    assert [result["drawn"] for result in results] == ["a.jpg", "c.jpg"]
    assert problems == [f"{broken}: not a picture that Pillow can read"]
    assert len(json.loads((output / "detections.json").read_text())) == 2


def test_pictures_of_one_name_do_not_overwrite_each_other(tmp_path, output):
    names = ("x/a.jpg", "y/a.jpg", "z/a.jpg", "x/a-2.jpg", "x/a.png", "x/a.bmp")
    paths = [picture(tmp_path / name) for name in names]
    results, _ = detect_pictures(DETECTOR, paths, output, 0.25)
    drawn = [result["drawn"] for result in results]
    assert len(set(drawn)) == len(drawn) == 6
    assert sorted(p.name for p in output.iterdir()) == sorted([*drawn, "detections.json"])
    assert drawn[0] == "a.jpg"


def test_the_pictures_themselves_are_not_overwritten(tmp_path):
    path = picture(tmp_path / "a.jpg")
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"--output=.*: would overwrite the picture .*a\.jpg"):
        detect_pictures(DETECTOR, [path], tmp_path, 0.25)
    assert path.read_bytes() == before
