"""The command and the batches on a trained run."""

import json
import re

import numpy as np
import pytest
from PIL import Image

import yolo_tf
from yolo_tf.detect.results import find_in_batches, make_finder


@pytest.fixture(scope="module")
def photos():
    """Noise of several sizes, with rectangles."""
    random = np.random.default_rng(0)
    photos = []
    for height, width in ((96, 96), (50, 120), (9, 17), (200, 90), (64, 96)):
        photo = random.integers(0, 255, (height, width, 3)).astype(np.uint8)
        photo[height // 4 : height // 2, width // 3 : width // 2] = (200, 40, 40)
        photos.append(photo)
    return photos


@pytest.fixture
def folder(photos, tmp_path):
    (tmp_path / "in").mkdir()
    for number, photo in enumerate(photos):
        Image.fromarray(photo).save(tmp_path / "in" / f"{number}.png")
    return tmp_path / "in"


def test_a_batch_does_not_change_what_is_found(tiny_run, photos):
    detector = yolo_tf.load(tiny_run)
    find = make_finder(detector, 0.0, batch_size=2)
    batched = list(find_in_batches(find, enumerate(photos), batch_size=2))
    assert [number for number, _ in batched] == list(range(len(photos)))
    for photo, (_, result) in zip(photos, batched, strict=True):
        one = detector.detect_arrays([photo])
        count = int(one["num_detections"][0])
        assert len(result.scores) == count > 0
        for name in ("boxes", "scores", "classes"):
            expected = one[f"detection_{name}"][0, :count]
            np.testing.assert_allclose(getattr(result, name), expected, atol=1e-4, err_msg=name)


def test_the_flags(command, tiny_run, folder, tmp_path):
    def detect(*flags):
        output = f"--output={tmp_path}/found"
        done = command("detect", f"--model={tiny_run}", f"--input={folder}", output, *flags)
        assert done.code == 0, done
        assert re.search(r"in 5 images; written to .*/found; \d+\.\d images/s\n$", done.out)
        return json.loads((tmp_path / "found" / "detections.json").read_text())

    low = ["--formats=json", "--score_threshold=0.001"]
    plain = detect(*low)
    assert [path.name for path in (tmp_path / "found").iterdir()] == ["detections.json"]
    assert "drawn" not in plain[0]
    most = max(entry["num_detections"] for entry in plain)
    assert most > 3
    few = detect(*low, "--max_detections=3", "--batch_size=4")
    assert [e["num_detections"] for e in few] == [min(3, e["num_detections"]) for e in plain]
    strict = detect(*low, "--iou_threshold=0")
    assert sum(e["num_detections"] for e in strict) < sum(e["num_detections"] for e in plain)
    tiled = detect(*low, "--tile=64")
    assert tiled[2] == plain[2]  # 9 x 17: no larger than a tile
    assert tiled[3]["num_detections"] > plain[3]["num_detections"]  # 200 x 90
    for before, entry in zip(plain, detect(*low, "--classes=star,cross"), strict=True):
        assert set(entry["detection_class_names"]) <= {"star", "cross"}
        kept = [name for name in before["detection_class_names"] if name in ("star", "cross")]
        assert entry["detection_class_names"] == kept


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--classes=stra"], "--classes: unknown name 'stra'; did you mean 'star'?"),
        (["--formats=jsn"], "--formats: unknown name 'jsn'; did you mean 'json'?"),
        (["--formats="], "--formats is missing (--help shows an example)"),
    ],
)
def test_mistakes(command, tiny_run, folder, tmp_path, flags, message):
    places = [f"--model={tiny_run}", f"--input={folder}", f"--output={tmp_path}/found"]
    assert command("detect", *places, *flags).error() == message
    assert not (tmp_path / "found").exists()


def test_an_export_keeps_its_suppression(command, tiny_run, folder, tmp_path):
    export = tmp_path / "export"
    assert command("export", f"--model={tiny_run}", f"--output={export}").code == 0
    places = [f"--model={export}", f"--input={folder}", f"--output={tmp_path}/found"]
    for flag in ("iou_threshold", "max_detections"):
        error = command("detect", *places, f"--{flag}=1").error()
        assert error.startswith(f"--{flag}: {export} has its suppression inside")
