"""check_dataset on records and sources, with its figures, its files and its mistakes."""

import json
import shutil

import pytest

from tests.data.folders import picture, voc_object, voc_options, voc_xml, write_voc
from yolo_tf.data.build.build import build
from yolo_tf.data.sources.voc import VocSource

FLAGS = ["--config.input_size=64,64"]  # tracing is quicker
FILES = ["boxes.png", "check.json", "classes.png", "findings.jsonl", "labels.png"]


def read_json(folder):
    found = json.loads((folder / "check.json").read_text())
    return found, {problem["kind"]: problem for problem in found["problems"]}


def test_clean_records(command, shapes_records, tmp_path):
    data, val = f"--data={shapes_records.train}", f"--val={shapes_records.val}"
    done = command("check_dataset", data, val, f"--output={tmp_path}", *FLAGS)
    assert done.code == 0
    first, second = done.out.splitlines()[:2]
    assert first.split(": ")[1].startswith("24 images, ")
    assert second.split(": ")[1].startswith("8 images, ")
    found, _ = read_json(tmp_path)
    assert first.endswith(f" {found['splits']['train']['boxes']} boxes")
    assert found["classes"] == shapes_records.classes
    assert found["input"]["size"] == [64, 64]
    assert set(FILES) <= {path.name for path in tmp_path.iterdir()}


def test_help_teaches(command):
    out = command("check_dataset", "--help").out
    assert "  scripts/check_dataset.py --data=" in out
    assert "--strict: End with 1" in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.fixture
def bad_voc(tmp_path):
    """12 images: a6 copies a2, a7 has no area, a8 a wrong class, a9 no image, a10 a box twice."""
    root = write_voc(tmp_path / "voc", 12)
    for name, objects in {
        "a7": voc_object(corners=(10, 5, 10, 25)),
        "a8": voc_object("cow"),
        "a10": voc_object() + voc_object(corners=(10, 5, 30, 26)),
    }.items():
        (root / f"Annotations/{name}.xml").write_text(voc_xml(name, objects))
    (root / "JPEGImages/a6.jpg").write_bytes(picture(seed=2))
    (root / "JPEGImages/a9.jpg").write_bytes(b"no image")
    (root / "ImageSets/Main/val.txt").write_text("a1\na4\n")
    names = tmp_path / "pets.names"
    names.write_text("cat\ndog\n")
    return root, names


def test_a_source_with_mistakes(command, bad_voc, tmp_path):
    root, names = bad_voc
    flags = [f"--data={root}", "--format=voc", "--split=train,val", f"--names={names}"]
    flags += [f"--output={tmp_path / 'out'}", "--workers=1", *FLAGS]
    done = command("check_dataset", *flags)
    assert done.code == 0
    assert done.out.splitlines()[0] == "found: images train 12, val 2; classes 2: cat, dog"
    assert done.out.splitlines()[1].endswith("voc (train): 11 images, 10 boxes")
    found, problems = read_json(tmp_path / "out")
    for kind, count, place in (
        ("leak", 2, "a1.jpg"),
        ("same_image", 1, "a6.jpg"),
        ("empty_box", 1, "Annotations/a7.xml: object 1 (cat), bndbox"),
        ("unknown_class", 1, "Annotations/a8.xml: object 1 (cow), bndbox, class"),
        ("unusable_image", 1, "JPEGImages/a9.jpg: image"),
        ("same_box", 1, "Annotations/a10.xml: object 2 (cat), bndbox"),
    ):
        assert problems[kind]["count"] == count, kind
        assert problems[kind]["examples"][0]["place"] == place
        assert problems[kind]["examples"][0]["detail"] in done.out
    assert (tmp_path / "out" / "problems.png").is_file()
    severities = [problem["severity"] for problem in found["problems"]]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)

    strict = command("check_dataset", *flags, "--strict")
    assert (strict.code, strict.err.count("error:")) == (1, 0)
    assert strict.out.splitlines()[-1].startswith("--strict: there are errors or warnings of ")


def test_records_tell_what_their_build_left_out(command, bad_voc, tmp_path):
    root, _ = bad_voc
    source = VocSource(voc_options(root, class_names=("cat", "dog")))
    build(source, tmp_path, "pets", "train", 1, skip_bad=True)
    data = tmp_path / "pets-train*"
    done = command("check_dataset", f"--data={data}", f"--output={tmp_path / 'out'}", *FLAGS)
    assert done.code == 0
    _, problems = read_json(tmp_path / "out")
    assert problems["left_out"]["count"] == 3
    assert "record 7" in problems["same_image"]["examples"][0]["place"]


def test_a_shard_that_was_cut_is_a_problem_and_the_rest_is_checked(
    command, shapes_records, tmp_path
):
    for path in shapes_records.folder.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    shard = sorted(tmp_path.glob("shapes-train*"))[0]
    with shard.open("r+b") as file:
        file.truncate(shard.stat().st_size - 10)
    flags = [f"--data={tmp_path}/shapes-train*", f"--output={tmp_path / 'out'}", *FLAGS]
    done = command("check_dataset", *flags)
    assert done.code == 0
    found, problems = read_json(tmp_path / "out")
    assert found["splits"]["train"]["images"] == 23
    (case,) = problems["unreadable_file"]["examples"]
    assert case["place"].startswith(f"{shard}: record ")
    lines = (tmp_path / "out" / "findings.jsonl").read_text().splitlines()
    assert len(lines) == sum(problem["count"] for problem in found["problems"])


def test_a_head_without_anchors(command, shapes_records, tmp_path):
    flags = [f"--data={shapes_records.train}", f"--output={tmp_path}", "--config=yolox_tiny"]
    done = command("check_dataset", *flags, *FLAGS)
    assert done.code == 0
    assert "this head has no anchors" in done.out
    assert read_json(tmp_path)[0]["anchors"] is None


def test_max_boxes_of_the_recipe(command, shapes_records, tmp_path):
    flags = [f"--data={shapes_records.train}", f"--output={tmp_path}", "--config.data.max_boxes=1"]
    assert command("check_dataset", *flags, *FLAGS).code == 0
    found, problems = read_json(tmp_path)
    counts = found["splits"]["train"]["boxes_per_image"]["histogram"]
    expected = sum((boxes - 1) * images for boxes, images in enumerate(counts) if boxes)
    assert problems["over_max_boxes"]["count"] == expected


def test_a_names_file_that_does_not_fit(command, shapes_records, tmp_path):
    (tmp_path / "x.names").write_text("cat\ndog\n")
    flags = [f"--data={shapes_records.train}", f"--names={tmp_path / 'x.names'}"]
    error = command("check_dataset", *flags, f"--output={tmp_path / 'o'}", *FLAGS).err
    assert len([line for line in error.splitlines() if "error:" in line]) == 1
    assert "found 24 usable images and 0 usable boxes, expected at least one of each" in error
    assert "record 1, object 1: found" in error
    assert "boxes of a class that is not in the list of names; the first: " in error
    assert error.rstrip().endswith("; give the right names with --names")


def test_no_boxes_at_all(command, tmp_path):
    root = write_voc(tmp_path / "voc", 1)  # the first image has none
    flags = [f"--data={root}", "--format=voc", f"--names={tmp_path / 'x.names'}", "--workers=1"]
    (tmp_path / "x.names").write_text("cat\n")
    done = command("check_dataset", *flags, f"--output={tmp_path / 'o'}", *FLAGS)
    assert done.code == 1
    assert "found 1 usable images and 0 usable boxes" in done.err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--data is missing"),
        (["--data=x"], "--output is missing"),
        (["--data={records}/none*", "--output=o"], "none*: no file matches this pattern"),
        (
            ["--data=x", "--output=o", "--format=vok"],
            "--format: found 'vok', expected one of auto",
        ),
        (
            ["--data=.", "--output=o"],
            ".: no data set recognised: there lie 0 images",
        ),
        (["--data=x", "--output=o", "--format=voc"], "x: no such folder, expected a VOC data set"),
        (["--data=x", "--output=o", "--format=voc", "--val=y"], "--val and --test are for"),
        (["--data=x", "--output=o", "--split=val"], "--split is of use with a data folder alone"),
        (["--data=x", "--output=o", "--format=voc", "--split=a,a"], "--split: found 'a,a'"),
        (["--data={records}/no-card*", "--output=o"], "no data set card NAME.json"),
        (["--data={train}", "--output=o", "--names=n"], "n: not readable as a class-name file"),
        (["--data={train}", "--output=o", "--config.input_size=50,50"], "config.input_size: heig"),
        (
            ["--data={train}", "--output=o", "--config.data.resize=x"],
            "config.data.resize: found 'x', expected one of",
        ),
    ],
)
def test_mistakes(command, shapes_records, tmp_path, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    shard = next(shapes_records.folder.glob("shapes-val*"))
    shutil.copy(shard, tmp_path / "no-card.tfrecord")
    names = {"records": tmp_path, "train": shapes_records.train}
    done = command("check_dataset", *(flag.format(**names) for flag in flags))
    assert done.code == 1
    (line,) = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert message in line
