import pytest

from tests.data.folders import picture, write_voc
from yolo_tf.benchmark import build
from yolo_tf.errors import UserError


def test_a_data_set(tmp_path, capsys):
    root = write_voc(tmp_path / "voc")
    (root / "JPEGImages/a3.jpg").write_bytes(b"")
    found = build.measure_build(0.01, f"voc:{root}:train")
    assert (found["images"], found["boxes"], found["format"]) == (4, 4, "VocSource")
    assert found["mean_bytes"] == sum(len(picture(seed=i)) for i in (0, 1, 2, 4)) / 4
    for part in ("bytes", "build"):
        assert 0 < found[part]["lowest"] <= found[part]["images_per_second"]
    assert 0 < found["ratio"] < 1
    assert 0 < found["processor_ratio"] < 1
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_drawn_images(monkeypatch):
    monkeypatch.setattr(build, "_DRAWN", 4)
    monkeypatch.setattr(build, "IMAGE_SIZE", (64, 96))
    found = build.measure_build(0.01)
    assert (found["images"], found["format"]) == (4, "YoloSource")
    assert found["boxes"] > 0


@pytest.mark.parametrize("data", ["voc", "voc:folder", "nothing:folder:train", "voc::train"])
def test_other_words_are_refused(data):
    with pytest.raises(UserError, match=r"--source: found .*expected FORMAT:FOLDER:SPLIT"):
        build.measure_build(0.01, data)


def test_no_usable_image(tmp_path):
    root = write_voc(tmp_path / "voc", count=2)
    for path in (root / "JPEGImages").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match="no usable image"):
        build.measure_build(0.01, f"voc:{root}:train")
