"""The command `weights`, and --weights of `train`."""

import hashlib
from dataclasses import replace

import pytest

from yolo_tf.darknet import published
from yolo_tf.darknet.published import PUBLISHED


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "yolo_tf" / "weights"
    folder.mkdir(parents=True)
    return folder


def put(cache, monkeypatch, name, content=b"12345", known=True):
    """Has a small file in the cache as what was published under the name."""
    digest = (hashlib.sha256(content).hexdigest(),) if known else ()
    download = replace(PUBLISHED[name].download, size=len(content), sha256=digest, exact=True)
    monkeypatch.setitem(PUBLISHED, name, replace(PUBLISHED[name], download=download))
    path = cache / PUBLISHED[name].file
    path.write_bytes(content)
    return path


def test_list(command, cache, monkeypatch):
    put(cache, monkeypatch, "yolov4-tiny")
    done = command("weights")
    rows = {cells[1]: cells for line in done.out.splitlines() if len(cells := line.split()) > 9}
    assert done.code == 0
    assert set(PUBLISHED) <= set(rows)
    cached = [name for name, cells in rows.items() if "yes" in cells]
    assert cached == ["yolov4-tiny"]


def test_what_lies_there_is_checked_and_named(command, cache, monkeypatch):
    path = put(cache, monkeypatch, "yolov4-tiny")
    other = put(cache, monkeypatch, "yolov7-tiny", known=False)
    done = command("weights", "yolov4-tiny", "yolov7-tiny")
    assert done.code == 0
    assert f"yolov4-tiny: {path}, size and SHA-256 are right" in done.out
    assert "--config=yolov4_tiny --weights=yolov4-tiny" in done.out
    assert f"yolov7-tiny: {other}, no SHA-256 is published" in done.out
    assert "--config=darknet --config.model.cfg=yolov7-tiny.cfg" in done.out


def test_mistakes(command, cache, monkeypatch):
    assert command("weights", "yolov4tiny").error() == (
        "weights: unknown name 'yolov4tiny'; did you mean 'yolov4-tiny'?"
    )
    path = put(cache, monkeypatch, "yolov4")
    path.write_bytes(b"1234")
    error = command("weights", "yolov4").error()
    assert error.startswith(f"{path}: not the published file: it has 4 bytes, 5 are expected;")


def train(command, shapes_records, tmp_path, *flags):
    return command(
        "train", "--config=yolov3_tiny", "--config.input_size=64,96", f"--workdir={tmp_path}/run",
        f"--config.data.train={shapes_records.train}", "--config.train.batch_size=2", "--dry_run",
        *flags,
    )  # fmt: skip


def test_training_starts_from_a_name(command, shapes_records, tmp_path, monkeypatch):
    asked = []

    def fetch(download, path):
        asked.append(path.name)
        path.write_bytes(b"no weights")

    monkeypatch.setattr(published, "fetch", fetch)
    error = train(command, shapes_records, tmp_path, "--weights=yolov3-tiny.conv.15").error()
    assert asked == ["yolov3-tiny.conv.15"]
    assert "yolov3-tiny.conv.15: 10 bytes found, not a Darknet weights file" in error


def test_two_starts_are_refused(command, shapes_records, tmp_path):
    flags = ("--weights=yolov3-tiny", "--config.transfer.source=runs/a")
    assert train(command, shapes_records, tmp_path, *flags).error() == (
        "--weights=yolov3-tiny and --config.transfer.source=runs/a: give one of them"
    )
