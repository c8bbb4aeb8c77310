"""What is said of folders that are no data set of ours, or several."""

import json

import pytest

from tests.data.layouts import files, one_file, per_image
from tests.data.layouts.scene import SHOTS, images, write
from yolo_tf.data.sources import SOURCES
from yolo_tf.data.sources.recognise import recognise
from yolo_tf.errors import UserError


def refusal(root) -> str:
    with pytest.raises(UserError) as caught:
        recognise(str(root), SOURCES)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unknown_folder(tmp_path):
    images(tmp_path)
    write(tmp_path, "readme.md", "walks")
    write(tmp_path, "labels/w0.txt", "a fox, to the left")
    said = refusal(tmp_path)
    assert "there lie 4 images, 1 .md (readme.md), 1 .txt (labels/w0.txt)" in said
    assert "looked for VOC XML, COCO JSON, YOLO labels" in said
    assert "nearest is YOLO, but no image has a text file of its name" in said
    assert f"build_tfrecords --format=yolo --input={tmp_path} says what is missing" in said
    assert "no such file or folder" in refusal(tmp_path / "none")


def test_several_data_sets(tmp_path):
    per_image.VOC["beside the images"](tmp_path)
    per_image.YOLO_LAYOUTS["flat"](tmp_path)
    said = refusal(tmp_path)
    assert "found 2 data sets, choose one: build_tfrecords --format=voc --input=" in said
    assert "or build_tfrecords --format=yolo --input=" in said


def test_two_files_of_one_split(tmp_path):
    one_file.COCO["of FiftyOne"](tmp_path)
    write(tmp_path, "all.json", files.coco())
    assert "all.json and labels.json, both COCO JSON: give one as --input" in refusal(tmp_path)
    found = recognise(str(tmp_path / "all.json"), SOURCES)
    assert (found.format, found.input, found.splits) == ("coco", str(tmp_path / "all.json"), ())


def test_csv_of_splits_made_from_xml(tmp_path):
    per_image.VOC["beside the images"](tmp_path)
    one_file.CSV["in a folder"](tmp_path)
    found = recognise(str(tmp_path), SOURCES)
    assert (found.format, found.splits) == ("csv", ("train", "val"))
    assert "the XML files are left out; build_tfrecords --format=voc" in found.notes[0]


def test_csv_of_the_same_splits_as_xml(tmp_path):
    one_file.CSV["of the tutorials"](tmp_path)
    for shot in SHOTS:
        write(tmp_path, f"images/{shot.split}/{shot.stem}.xml", files.voc(shot))
    found = recognise(str(tmp_path), SOURCES)
    assert (found.format, found.splits) == ("voc", ("train", "val"))
    assert "the CSV files are left out; build_tfrecords --format=csv" in found.notes[0]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("ann/1.json", {"objects": [{"classTitle": "fox"}]}, "Supervisely JSON: convert it"),
        ("a.json", [{"name": "1", "labels": [{"category": "x", "box2d": {}}]}], "BDD100K"),
        ("a.json", [{"annotations": [{"result": [{"from_name": "a"}]}]}], "Label Studio's own"),
        ("w0.txt", "684,8,273,116,0,0,0,0\n406,119,265,70,0,0,0,0\n", "VisDrone"),
        ("w0.txt", "1 2 3 2 3 4 1 4 plane 0\n", "DOTA"),
        ("a.parquet", "PAR1", ".parquet, which is not read"),
        ("c.json", {"images": [], "annotations": [{"caption": "a fox"}]}, "COCO captions"),
    ],
)
def test_formats_of_others_are_named(tmp_path, file, content, said):
    images(tmp_path)
    write(tmp_path, file, content if isinstance(content, str) else json.dumps(content))
    assert said in refusal(tmp_path)


def test_cvat_for_video(tmp_path):
    images(tmp_path)
    write(tmp_path, "a.xml", "<annotations><track id='0' label='fox'></track></annotations>")
    assert "CVAT for video (<track>)" in refusal(tmp_path)
