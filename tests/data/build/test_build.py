import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.folders import picture, voc_object, voc_options, voc_xml, write_coco, write_voc
from tests.data.records.test_files import contents
from tests.data.records.test_writing import parse
from tests.data.yolo_folders import write_yolo
from yolo_tf.data.build.build import build
from yolo_tf.data.records.card import read_card
from yolo_tf.data.records.files import find_shards
from yolo_tf.data.records.names import check_classes
from yolo_tf.data.sources import SOURCES
from yolo_tf.data.sources.base import Options
from yolo_tf.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("YOLO_TF_DATA", ROOT.parent / "shared" / "data"))


def build_voc(root, output, shards=2, **kwargs):
    options = voc_options(root, class_names=kwargs.pop("class_names", None))
    return build(SOURCES["voc"](options), output, "toy", "train", shards, **kwargs)


def records(output):
    return contents(find_shards(f"{output}/toy-train.tfrecord-*"))


def visible(folder):
    """All files but the folder of an unfinished build, whose finished shards wait there."""
    return [path for path in folder.iterdir() if path.name != ".toy-train.build"]


def test_records_and_card(tmp_path):
    entry = build_voc(write_voc(tmp_path / "voc"), tmp_path / "out")
    assert (entry["images"], entry["boxes"]) == (5, 4)
    assert entry["boxes_per_class"] == {"cat": 3, "dog": 1}
    assert entry["skipped"] == entry["changed"] == []
    card = read_card(tmp_path / "out/toy.json")
    assert (card.classes, card.splits) == (["cat", "dog"], {"train": entry})
    found = [parse(record, card.classes) for record in records(tmp_path / "out")]
    assert [f["source_id"] for f in found] == [b"a0", b"a2", b"a4", b"a1", b"a3"]
    assert [f["classes"].tolist() for f in found] == [[], [0, 1], [0], [0], []]
    check_classes(f"{tmp_path}/out/toy-train*", ["cat", "dog"])


def test_the_bytes_do_not_depend_on_the_workers(tmp_path):
    root = write_voc(tmp_path / "voc", count=20)
    files = []
    for workers in (1, 2):
        build_voc(root, tmp_path / str(workers), shards=3, workers=workers)
        folder = tmp_path / str(workers)
        files.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert files[0] == files[1]
    assert len(files[0]) == 4


def test_workers_report_what_they_find(tmp_path):
    root = write_voc(tmp_path / "voc", count=20)
    (root / "Annotations/a13.xml").unlink()
    for workers in (1, 2):
        with pytest.raises(UserError, match=r"Annotations/a13.xml: annotation: found no such file"):
            build_voc(root, tmp_path / "out", workers=workers)
        assert visible(tmp_path / "out") == []


def test_workers_load_no_tensorflow():
    modules = "yolo_tf.data.build.reading, yolo_tf.data.sources, yolo_tf.data.build.open_data"
    code = f"import sys, {modules}; print('tensorflow' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert found.stdout.strip() == "False"


def spoil_image(root):
    path = root / "JPEGImages/a1.jpg"
    path.write_bytes(path.read_bytes()[:-30])


def annotate(objects, **kwargs):
    def spoil(root):
        (root / "Annotations/a1.xml").write_text(voc_xml("a1", objects, **kwargs))

    return spoil


def write_xml(text):
    return lambda root: (root / "Annotations/a1.xml").write_text(text)


BAD = {
    "missing annotation": (lambda root: (root / "Annotations/a1.xml").unlink(), 4, 3),
    "missing image": (lambda root: (root / "JPEGImages/a1.jpg").unlink(), 4, 3),
    "truncated image": (spoil_image, 4, 3),
    "no bndbox": (annotate("<object><name>cat</name></object>"), 5, 3),
    "inverted box": (annotate(voc_object("cat", (30, 5, 10, 25))), 5, 3),
    "NaN box": (annotate(voc_object("cat", ("nan", 5, 10, 25))), 5, 3),
    "unknown class": (annotate(voc_object("cow") + voc_object("dog")), 5, 4),
    "path out of the folder": (annotate("", filename="../../x.jpg"), 4, 3),
    "XML bomb": (write_xml('<!DOCTYPE a [<!ENTITY b "c">]><annotation/>'), 4, 3),
    "no XML": (write_xml("GIF89a"), 4, 3),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_data_stops_or_is_listed(tmp_path, case, capsys):
    spoil, images, boxes = BAD[case]
    root = write_voc(tmp_path / "voc")
    spoil(root)
    names = ("cat", "dog")
    with pytest.raises(UserError, match=r"a1.*found .*expected .*--skip_bad") as caught:
        build_voc(root, tmp_path / "out", class_names=names)
    assert "\n" not in str(caught.value)
    assert visible(tmp_path / "out") == []

    entry = build_voc(root, tmp_path / "out", class_names=names, skip_bad=True)
    assert (entry["images"], entry["boxes"]) == (images, boxes)
    (item,) = entry["skipped"]
    assert item["record"] == "a1"
    assert all(item[key] for key in ("file", "field", "found", "expected", "action"))
    assert item["file"] in capsys.readouterr().out
    assert len(records(tmp_path / "out")) == images


def test_boxes_without_area_never_stop_a_build(tmp_path, capsys):
    root = write_voc(tmp_path / "voc")
    annotate(voc_object("cat", (9, 9, 9, 9)) + voc_object("dog"))(root)
    entry = build_voc(root, tmp_path / "out")
    assert (entry["images"], entry["boxes"]) == (5, 4)
    assert [item["action"] for item in entry["skipped"]] == ["empty box skipped"]
    assert "empty box skipped: Annotations/a1.xml: object 1 (cat)" in capsys.readouterr().out


def test_what_was_mended_is_listed(tmp_path):
    root = write_voc(tmp_path / "voc")
    annotate(voc_object("cat", (9, 9, 61, 30)), size=(0, 0))(root)
    (root / "JPEGImages/a1.jpg").write_bytes(picture(mode="CMYK"))
    entry = build_voc(root, tmp_path / "out")
    actions = ["image converted to RGB PNG", "declared size replaced", "box clipped"]
    assert [item["action"] for item in entry["changed"]] == actions
    assert (entry["boxes"], entry["skipped"]) == (4, [])


def test_issues_of_the_whole_file(tmp_path):
    root = write_coco(tmp_path / "coco")
    path = root / "annotations/instances_train2017.json"
    content = json.loads(path.read_text())
    content["annotations"][1]["image_id"] = 99
    path.write_text(json.dumps(content))
    source = SOURCES["coco"](voc_options(root, "train2017"))
    with pytest.raises(UserError, match=r"annotations\[1\].*image_id: found 99.*--skip_bad"):
        build(source, tmp_path / "out", "toy", "train", 1)
    entry = build(source, tmp_path / "out", "toy", "train", 1, skip_bad=True)
    assert (entry["images"], entry["boxes"], len(entry["skipped"])) == (2, 2, 1)


def test_nothing_left(tmp_path):
    root = write_voc(tmp_path / "voc")
    for path in (root / "JPEGImages").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match="no usable image: all 5 were skipped; the first: JPEGIma"):
        build_voc(root, tmp_path / "out", skip_bad=True)


def test_settings(tmp_path):
    root = write_voc(tmp_path / "voc")
    for shards in (0, 6):
        with pytest.raises(UserError, match=f"shards: found {shards}, expected 1 to 5"):
            build_voc(root, tmp_path / "out", shards=shards)
    with pytest.raises(UserError, match="workers: found 0"):
        build_voc(root, tmp_path / "out", workers=0)


def test_splits_must_agree_on_the_classes(tmp_path):
    root = write_voc(tmp_path / "voc")
    build_voc(root, tmp_path / "out")
    before = records(tmp_path / "out")
    with pytest.raises(UserError, match=r"toy\.json: classes: .*the order differs"):
        build_voc(root, tmp_path / "out", class_names=("dog", "cat"))
    assert records(tmp_path / "out") == before


def test_another_shard_count_replaces_the_old(tmp_path):
    root = write_voc(tmp_path / "voc")
    build_voc(root, tmp_path / "out", shards=3)
    build_voc(root, tmp_path / "out", shards=2)
    assert len(find_shards(f"{tmp_path}/out/toy-train*")) == 2
    assert len(records(tmp_path / "out")) == 5


def test_two_images_of_one_name(tmp_path):
    root = tmp_path / "set"
    for folder in ("images/train", "images/train/s"):
        write_yolo(root, folder, count=1)
    (root / "images/train/s/a0.jpg").write_bytes(picture(seed=9))
    source = SOURCES["yolo"](Options("train", str(root), ("cat", "dog")))
    for _ in range(2):  # the second build overwrites those of the first
        build(source, tmp_path / "out", "toy", "train", 1, image_folder=tmp_path / "pictures")
        files = sorted(path.name for path in (tmp_path / "pictures").iterdir())
        assert files == ["a0.images_train_s_a0.jpg", "a0.jpg"]


def test_images_are_written_too(tmp_path):
    options = Options(split="val", images=3, size=(32, 48))
    source = SOURCES["shapes"](options)
    build(source, tmp_path / "out", "toy", "train", 1, image_folder=tmp_path / "pictures")
    files = sorted((tmp_path / "pictures").iterdir())
    assert [path.name for path in files] == [f"val-00000{i}.jpg" for i in range(3)]
    assert files[0].read_bytes() == source.read("val-000000")[0].image


def command(*arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/build_tfrecords.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_the_command(tmp_path):
    root = write_voc(tmp_path / "voc", count=20)
    settings = [f"--input={root}", f"--output={tmp_path}/out", "--name=toy", "--split=train"]
    done = command("--format=voc", "--shards=2", "--workers=2", *settings)
    assert done.returncode == 0, done.stderr
    assert "20 images, 19 boxes" in done.stdout
    assert f"wrote {tmp_path}/out/toy-train.tfrecord-*" in done.stdout
    (root / "JPEGImages/a7.jpg").unlink()
    done = command("--format=voc", *settings)
    assert done.returncode == 1
    assert "error: Annotations/a7.xml: image: found neither a7.jpg" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("split", "counts"), [("train", (205, 2804)), ("val", (87, 1137))])
def test_bccd(tmp_path, split, counts):
    if not (DATA / "bccd").is_dir():
        pytest.skip(f"no folder {DATA / 'bccd'} (set YOLO_TF_DATA)")
    source = SOURCES["voc"](Options(split=split, input=str(DATA / "bccd")))
    entry = build(source, tmp_path, "bccd", split, 1)
    assert (entry["images"], entry["boxes"]) == counts
    assert list(entry["boxes_per_class"]) == ["Platelets", "RBC", "WBC"]
    assert [item["action"] for item in entry["skipped"]] == ["empty box skipped"]
