import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.data.build import killed_builds
from tests.data.folders import picture, voc_object, voc_options, voc_xml, write_voc
from yolo_tf.data.build.build import build
from yolo_tf.data.build.folder import BuildFolder, build_folder
from yolo_tf.data.sources import SOURCES
from yolo_tf.data.sources.base import Options
from yolo_tf.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = Path(killed_builds.__file__)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_killed_at_any_moment(tmp_path):
    root = write_voc(tmp_path / "voc", count=8)
    write_voc(root, count=4, split="old")
    (root / "JPEGImages/a5.jpg").write_bytes(b"")  # to be listed
    (tmp_path / "work").mkdir()
    command = [sys.executable, str(SCRIPT), str(root), str(tmp_path / "work")]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(results) > 40
    assert [r for r in results if not r["same"]] == []
    # A reader sees the old set, none, or the new one with its card; never some of each.
    for old_shards, before in ((0, "none"), (2, "old"), (3, "old")):
        states = [r["seen"] for r in results if r["old"] == old_shards]
        assert set(states) == {before, "none", "refused", "new"}
        assert (states[0], states[-1]) == (before, "new")
        rest = states[states.index("refused") :]
        assert "old" not in rest
        assert set(rest[rest.index("new") :]) == {"new"}
    # 8 images in 3 shards of 3, 3 and 2; those of finished shards are not read again.
    building = [r for r in results if r["old"] == 0 and r["seen"] == "none"]
    assert {r["finished"]: r["reads"] for r in building} == {0: 8, 1: 5, 2: 2, 3: 0}


def sums(folder):
    return killed_builds.sums(folder)


def test_killed_with_its_workers(tmp_path):
    arguments = ["--format=shapes", "--split=train", "--name=toy", "--images=60", "--size=32"]
    output = tmp_path / "out"
    command = [sys.executable, str(ROOT / "scripts/build_tfrecords.py"), *arguments]
    command += ["--shards=20", "--workers=2", f"--output={output}"]
    process = subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    folder = output / ".toy-train.build"
    until(lambda: list(folder.glob("0*.json")) or process.poll() is not None)
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not any(map(alive, workers)))
    source = SOURCES["shapes"](Options("train", images=60, size=(32, 32)))
    build(source, output, "toy", "train", 20)
    build(source, tmp_path / "wanted", "toy", "train", 20)
    assert sums(output) == sums(tmp_path / "wanted")


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def children(pid):
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if path.read_text().rpartition(") ")[2].split()[1] == str(pid):
                found.append(int(path.parent.name))
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def source_of(root, **kwargs):
    return SOURCES["voc"](voc_options(root, class_names=("cat", "dog"), **kwargs))


@pytest.fixture
def stopped(tmp_path):
    """A VOC folder, and a build of it that stopped at its last image: 2 of 3 shards are ready."""
    root = write_voc(tmp_path / "voc", count=6)
    (root / "JPEGImages/a5.jpg").write_bytes(b"")
    with pytest.raises(UserError, match="a5"):
        build(source_of(root), tmp_path / "out", "toy", "train", 3)
    return root


def read_again(monkeypatch, source):
    read = []

    def noted(self, source_id):
        read.append(source_id)
        return original(self, source_id)

    original = type(source).read
    monkeypatch.setattr(type(source), "read", noted)
    return read


def test_with_skip_bad_a_stopped_build_goes_on(tmp_path, stopped, monkeypatch, capsys):
    source = source_of(stopped)
    read = read_again(monkeypatch, source)
    entry = build(source, tmp_path / "out", "toy", "train", 3, skip_bad=True)
    assert read == ["a2", "a5"]
    assert "2 of 3 shards are there already" in capsys.readouterr().out
    assert (entry["images"], len(entry["skipped"])) == (5, 1)
    build(source, tmp_path / "wanted", "toy", "train", 3, skip_bad=True)
    assert sums(tmp_path / "out") == sums(tmp_path / "wanted")


def test_without_skip_bad_finished_shards_count_as_bad_as_they_were(tmp_path):
    root = write_voc(tmp_path / "voc", count=4)
    (root / "Annotations/a0.xml").write_text(voc_xml("a0", voc_object("cow")))
    (root / "JPEGImages/a3.jpg").write_bytes(b"")
    source = source_of(root)
    folder = BuildFolder(tmp_path / "out", "toy", "train", 2)
    with pytest.raises(UserError, match="no usable image"), stop_after(source, 2):
        build(source, folder.output, "toy", "train", 2, skip_bad=True)
    assert folder.report(0).actions == {"box skipped": 1}
    with pytest.raises(UserError, match=r"a0\.xml: object 1.*--skip_bad"):
        build(source, folder.output, "toy", "train", 2)


@contextlib.contextmanager
def stop_after(source, reads):
    """Ends a build from within, as Ctrl-C would."""
    left = [reads]

    def read(source_id):
        if not left[0]:
            raise UserError("no usable image")
        left[0] -= 1
        return type(source).read(source, source_id)

    source.read = read
    yield
    del source.read


CHANGES = {
    "files": lambda root, options: (root / "JPEGImages/a0.jpg").write_bytes(picture(seed=9)),
    "settings": lambda root, options: options.update(voc_one_based="exact"),
    "shards": lambda root, options: options.update(shards=2),
    "classes": lambda root, options: options.update(class_names=("dog", "cat")),
    "pictures": lambda root, options: options.update(pictures=root.parent / "pictures"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_build_starts_anew(tmp_path, stopped, change, capsys):
    (stopped / "JPEGImages/a5.jpg").write_bytes(picture(seed=5))
    output = tmp_path / "other"
    source = source_of(stopped)
    with pytest.raises(UserError), stop_after(source, 5):
        build(source, output, "toy", "train", 3)
    options = {"class_names": ("cat", "dog")}
    CHANGES[change](stopped, options)
    shards, pictures = options.pop("shards", 3), options.pop("pictures", None)
    for folder in (output, tmp_path / "wanted"):
        source = SOURCES["voc"](voc_options(stopped, **options))
        build(source, folder, "toy", "train", shards, image_folder=pictures)
    assert sums(output) == sums(tmp_path / "wanted")
    told = capsys.readouterr().out
    assert "starts anew" in told
    assert change in told
    assert "there already" not in told


def test_a_mended_file_starts_anew(tmp_path, stopped, capsys):
    (stopped / "JPEGImages/a5.jpg").write_bytes(picture(seed=5))
    build(source_of(stopped), tmp_path / "out", "toy", "train", 3)
    build(source_of(stopped), tmp_path / "wanted", "toy", "train", 3)
    assert sums(tmp_path / "out") == sums(tmp_path / "wanted")
    assert "unfinished build with other files: starts anew" in capsys.readouterr().out


def test_a_damaged_shard_is_built_again(tmp_path, stopped, monkeypatch):
    folder = BuildFolder(tmp_path / "out", "toy", "train", 3)
    folder.shard(0).write_bytes(folder.shard(0).read_bytes()[:-1])
    (folder.path / "00001.json").write_text("{")
    source = source_of(stopped)
    read = read_again(monkeypatch, source)
    build(source, folder.output, "toy", "train", 3, skip_bad=True)
    assert len(read) == 6


def test_one_build_of_a_split_at_a_time(tmp_path):
    source = source_of(write_voc(tmp_path / "voc"))
    folder = BuildFolder(tmp_path / "out", "toy", "train", 1)
    with build_folder(folder, {}), pytest.raises(UserError, match="another process is building"):
        build(source, folder.output, "toy", "train", 1)
    build(source, folder.output, "toy", "train", 1)


def test_an_output_folder_among_the_data_is_no_change_of_them(tmp_path, capsys):
    root = write_voc(tmp_path / "voc", count=6)
    (root / "JPEGImages/a5.jpg").write_bytes(b"")
    with pytest.raises(UserError, match="a5"):
        build(source_of(root), root / "records", "toy", "train", 3)
    build(source_of(root), root / "records", "toy", "train", 3, skip_bad=True)
    assert "2 of 3 shards are there already" in capsys.readouterr().out
