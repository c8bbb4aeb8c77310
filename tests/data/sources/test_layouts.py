"""Every layout is known by its contents, and read to the same images and boxes."""

import pytest

from tests.data.layouts import one_file, per_image
from tests.data.layouts.scene import NAMES, SHOTS, boxes_of
from yolo_tf.data.build.open_data import Division, find_data, open_splits
from yolo_tf.data.sources.base import Options

LAYOUTS = {
    "voc": per_image.VOC,
    "yolo": per_image.YOLO_LAYOUTS,
    "labelme": per_image.LABELME,
    "kitti": per_image.KITTI,
    "coco": one_file.COCO,
    "csv": one_file.CSV,
    "keras_list": one_file.KERAS,
    "cvat": one_file.CVAT,
    "via": one_file.VIA,
    "createml": one_file.CREATEML,
}
CASES = [(kind, name) for kind, layouts in LAYOUTS.items() for name in layouts]


@pytest.mark.parametrize(("format", "name"), CASES)
def test_a_layout(tmp_path, format, name, monkeypatch, capsys):
    root = tmp_path / "data"
    root.mkdir()
    LAYOUTS[format][name](root)
    monkeypatch.chdir(root)
    found = find_data(".")
    assert found.format == format
    division = Division(made_list=str(tmp_path / "x.splits.txt"))
    sources = open_splits(found, Options(""), division=division)
    names = [label.replace(" ", "_") if format == "kitti" else label for label in NAMES]
    read = []
    for split, source in sources.items():
        assert source.class_names == names
        assert split in ("train", "val", "valid", "validation", "train2017", "val2017", "training")
        for key in source.ids():
            sample, issues = source.read(key)
            assert not [issue for issue in issues if issue.fatal]
            read.append(((sample.width, sample.height), boxes_of(sample, NAMES)))
    assert sorted(read) == sorted(((s.width, s.height), sorted(s.boxes)) for s in SHOTS)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("data: ")
    assert said[-1].startswith("found: images ")


def test_a_table_without_classes_has_one(tmp_path, capsys):
    one_file.photos()(tmp_path)
    header, form = "image,xmin,ymin,xmax,ymax\n", "{file},{x1},{y1},{x2},{y2}"
    (tmp_path / "boxes.csv").write_text(one_file.table(header=header, form=form))
    found = find_data(str(tmp_path))
    division = Division(made_list=str(tmp_path / "x.splits.txt"))
    sources = open_splits(found, Options(""), division=division)
    assert [source.class_names for source in sources.values()] == [["object"]] * 2
    assert "no column of classes: all boxes are of one, 'object'" in capsys.readouterr().err
