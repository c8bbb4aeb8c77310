"""Images in, files out, in every format."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.detect.fixed import DETECTOR, NAMES, picture
from yolo_tf.detect.formats import check_formats, make_formats
from yolo_tf.detect.results import detect_files, make_finder, wanted_classes
from yolo_tf.errors import UserError


@pytest.fixture
def output(tmp_path):
    folder = tmp_path / "found"
    folder.mkdir()
    return folder


def run(paths, output, formats=("drawn", "json"), score=0.25, classes=None, batch_size=1):
    """(images, objects), the problems, and detections.json."""
    find = make_finder(DETECTOR, score, classes, batch_size)
    made = make_formats(formats, output, NAMES, paths)
    counts, problems = detect_files(find, paths, made, batch_size)
    entries = output / "detections.json"
    entries = json.loads(entries.read_text()) if entries.exists() else None
    return (counts.images, counts.objects), problems, entries


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_every_image_is_drawn_and_listed(tmp_path, output):
    paths = [picture(tmp_path / "in" / "a.jpg"), picture(tmp_path / "in" / "b.png", 50, 20)]
    counts, problems, (first, second) = run(paths, output)
    assert (counts, problems) == ((2, 4), [])
    assert files(output) == ["a.jpg", "b.png", "detections.json"]
    assert first["image"] == str(paths[0])
    assert (second["height"], second["width"]) == (50, 20)
    assert first["num_detections"] == 2
    assert first["detection_boxes"][0] == pytest.approx([0.1, 0.2, 0.5, 0.6], abs=1e-6)
    assert first["detection_classes"] == [1, 0]
    assert first["detection_class_names"] == ["dog", "cat"]
    with Image.open(output / second["drawn"]) as drawn:
        assert drawn.size == (20, 50)
        colours = np.unique(np.asarray(drawn.convert("RGB")).reshape(-1, 3), axis=0)
        assert len(colours) > 1  # something is drawn on the plain image


@pytest.mark.parametrize(("score", "count"), [(0.0, 2), (0.3, 2), (0.31, 1), (0.95, 0)])
def test_the_threshold(tmp_path, output, score, count):
    counts, _, (entry,) = run([picture(tmp_path / "a.png")], output, score=score)
    assert counts == (1, count)
    assert entry["num_detections"] == len(entry["detection_boxes"]) == count


def test_classes(tmp_path, output):
    classes = wanted_classes("cat", NAMES)
    _, _, (entry,) = run([picture(tmp_path / "a.png")], output, classes=classes)
    assert entry["detection_class_names"] == ["cat"]
    assert wanted_classes("", NAMES) is None
    assert wanted_classes("cat, dog", NAMES) == ["cat", "dog"]
    assert wanted_classes("cup, small", ["cup, small", "cup"]) == ["cup, small"]
    with pytest.raises(UserError, match="--classes: unknown name 'dgo'; did you mean 'dog'"):
        wanted_classes("cat,dgo", NAMES)


def test_a_broken_image_is_reported_and_the_rest_is_done(tmp_path, output):
    broken = tmp_path / "b.jpg"
    broken.write_bytes(b"no image")
    paths = [picture(tmp_path / "a.jpg"), broken, picture(tmp_path / "c.jpg", 9, 70)]
    formats = ["drawn", "json", "coco", "csv", "yolo", "crops"]
    counts, problems, entries = run(paths, output, formats, batch_size=2)
    assert counts == (2, 4)
    assert problems == [f"{broken}: not an image, expected one of JPEG, PNG, BMP, GIF, TIFF, WEBP"]
    assert [entry["drawn"] for entry in entries] == ["a.jpg", "c.jpg"]
    crops = [f"crops/{name}" for name in ("cat/a-2", "cat/c-2", "dog/a-1", "dog/c-1")]
    assert files(output) == [
        "a.jpg", "c.jpg", "coco_images.json", "coco_results.json", *(f"{c}.jpg" for c in crops),
        "detections.csv", "detections.json", "labels/a.txt", "labels/c.txt",
    ]  # fmt: skip


def test_pixels_and_centres(tmp_path, output):
    """The dog's box (0.1, 0.2, 0.5, 0.6) in an image 40 wide and 30 high."""
    path = picture(tmp_path / "a.png")
    _, _, entries = run([path], output, ["coco", "csv", "yolo", "crops"])
    assert entries is None
    dog, cat = json.loads((output / "coco_results.json").read_text())
    assert dog["bbox"] == pytest.approx([8, 3, 16, 12], abs=1e-3)
    assert cat["bbox"] == [0, 0, 40, 30]
    assert (dog["image_id"], dog["category_id"], dog["score"]) == (1, 2, 0.9)
    assert json.loads((output / "coco_images.json").read_text()) == {
        "images": [{"id": 1, "file_name": str(path), "height": 30, "width": 40}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    row = next(csv.DictReader(io.StringIO((output / "detections.csv").read_text())))
    assert row == {
        "image": str(path), "class": "dog", "score": "0.900000",
        "xmin": "8.00", "ymin": "3.00", "xmax": "24.00", "ymax": "15.00",
    }  # fmt: skip
    lines = (output / "labels/a.txt").read_text().splitlines()
    assert lines[0] == "1 0.400000 0.300000 0.400000 0.400000 0.900000"
    with Image.open(output / "crops/dog/a-1.jpg") as crop:
        assert abs(crop.width - 16) <= 1
        assert abs(crop.height - 12) <= 1


def test_numbers_as_names_are_coco_ids(tmp_path, output):
    def ids(*names):
        run([picture(tmp_path / name) for name in names], output, ["coco"])
        return [row["image_id"] for row in json.loads((output / "coco_results.json").read_text())]

    assert ids("000139.jpg", "42.jpg") == [139, 139, 42, 42]
    assert ids("000139.jpg", "a.jpg") == [1, 1, 2, 2]
    assert ids("139.jpg", "x/0139.jpg") == [1, 1, 2, 2]


def test_images_of_one_name_do_not_overwrite_each_other(tmp_path, output):
    names = ("x/a.jpg", "y/a.jpg", "z/a.jpg", "x/a-2.jpg", "x/a.png", "x/a.bmp")
    paths = [picture(tmp_path / name) for name in names]
    _, _, entries = run(paths, output, ["drawn", "json", "yolo", "crops"])
    drawn = [entry["drawn"] for entry in entries]
    assert drawn[0] == "a.jpg"
    written = files(output)
    assert set(drawn) < set(written)
    assert len(set(drawn)) == 6
    assert len([name for name in written if name.startswith("labels/")]) == 6
    assert len([name for name in written if name.startswith("crops/")]) == 12


def test_class_names_that_are_no_folders(tmp_path, output):
    for name, folder in (("..", "_"), ("a/b", "a_b"), ("traffic light", "traffic light")):
        (formats,) = make_formats(["crops"], output, ["x", name], [picture(tmp_path / "a.png")])
        find = make_finder(DETECTOR, 0.5)
        detect_files(find, formats.paths, [formats])
        assert (output / "crops" / folder / "a-1.jpg").exists()


@pytest.mark.parametrize(
    ("name", "formats"),
    [("a.jpg", "drawn"), ("images/a.jpg", "yolo"), ("crops/cat/a-1.jpg", "crops")],
)
def test_images_and_their_labels_are_not_overwritten(tmp_path, name, formats):
    path = picture(tmp_path / name)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 1 1\n")
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    with pytest.raises(UserError, match=r"--output=.*: (would|might) overwrite .*; name another f"):
        run([path], tmp_path, [formats])
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


def test_formats_that_are_none():
    with pytest.raises(UserError, match="--formats: unknown name 'coc'; did you mean 'coco'"):
        check_formats(["json", "coc"], [])
    with pytest.raises(UserError, match=r"--formats=csv: the input .* is a video, which can have"):
        check_formats(["csv"], ["a.mp4"])
