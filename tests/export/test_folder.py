"""The folder of an export: replaced whole, by one process at a time, checked when it is read."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from tests.export.models import NAMES, make
from yolo_tf.errors import UserError
from yolo_tf.export import tflite
from yolo_tf.export.export import export_model
from yolo_tf.export.folder import (
    TABLE,
    read_export,
    read_file,
    replacing_export,
    write_sums_of_models,
)
from yolo_tf.files import WriteError
from yolo_tf.loading import load
from yolo_tf.runs.recipe_files import write_recipe


def export(output, text="new"):
    with replacing_export(output) as folder:
        (folder / TABLE).write_text(text)


def fail(output):
    with replacing_export(output) as folder:
        assert names(folder) == []  # whatever a killed one left there
        _ = 1 / 0


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_missing_parents_are_made(tmp_path):
    export(tmp_path / "not/there")
    assert names(tmp_path / "not") == ["there"]


def test_an_unknown_format_is_named_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="formats: unknown name 'kera'; did you mean 'keras'"):
        export_model(make(), tmp_path / "out", ["kera"], "", 1)
    assert names(tmp_path) == []


def test_a_second_export_is_refused_while_the_first_one_writes(tmp_path):
    code = (
        "import sys; from pathlib import Path; from yolo_tf.export.folder import replacing_export\n"
        f"with replacing_export(Path({str(tmp_path / 'out')!r})) as folder:\n"
        "    (folder / 'export.json').write_text('first')\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    first = subprocess.Popen([sys.executable, "-c", code], **pipes)
    assert first.stdout.readline() == "held\n"
    with pytest.raises(UserError, match="out: another process is exporting into it; wait for its"):
        export(tmp_path / "out")
    first.communicate("")
    assert (tmp_path / "out" / TABLE).read_text() == "first"
    export(tmp_path / "out")
    assert (tmp_path / "out" / TABLE).read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_what_a_killed_export_leaves_is_no_loss(tmp_path):
    old, half = tmp_path / ".out.old", tmp_path / ".out.tmp"
    export(tmp_path / "out", "old")
    # It was ended between the two renames, and has left its own folder too.
    os.rename(tmp_path / "out", old)
    half.mkdir()
    (half / "model.onnx").write_text("half")
    with pytest.raises(UserError, match=r"ended has left the one before as .*\.out\.old"):
        load(tmp_path / "out")
    with pytest.raises(ZeroDivisionError):
        fail(tmp_path / "out")
    assert (tmp_path / "out" / TABLE).read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_failing_rename_leaves_the_old_export(tmp_path, monkeypatch):
    export(tmp_path / "out", "old")
    rename = os.rename

    def fail(source, target):
        if str(source).endswith(".tmp"):
            raise OSError(28, "No space left on device", str(source))
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(WriteError, match="out: cannot be written: no space left on the disk"):
        export(tmp_path / "out")
    assert (tmp_path / "out" / TABLE).read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "out").symlink_to("there")
    export(tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "there" / TABLE).exists()


@pytest.fixture(scope="module")
def lite(tmp_path_factory):
    folder, trained = tmp_path_factory.mktemp("lite"), make()
    write_recipe(folder, trained.config, NAMES)
    tflite.write(trained, folder / "model.tflite")
    (folder / TABLE).write_text("{}")
    write_sums_of_models(folder)
    return folder


def test_a_damaged_model_is_not_run(lite):
    assert read_file(lite / "model.tflite").class_names == NAMES
    path = lite / "model.tflite"
    whole = path.read_bytes()
    data = bytearray(whole)
    for place in np.random.default_rng(0).integers(0, len(data), 60):
        data[place] ^= 0x10
    try:
        path.write_bytes(data)
        for read in (lambda: read_file(path), lambda: read_export(lite)):
            with pytest.raises(UserError, match=r"model\.tflite: damaged: size or checksum"):
                read()
        path.write_bytes(whole[:-1])
        with pytest.raises(UserError, match="damaged: size or checksum"):
            read_file(path)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "expected a size and a checksum for each file"),
        ("{", "not readable as JSON"),
        ('{"../classes.txt": [1, 2], "model.tflite/../../a": [1, 2]}', "expected one in"),
        ('{"model.tflite": "x"}', "damaged: size or checksum"),
        ('{"model.tflite": [1, 2], "x": 3}', "damaged: size or checksum"),
    ],
)
def test_damaged_checksums(lite, text, message):
    sums = lite / "files.json"
    whole = sums.read_text()
    try:
        sums.write_text(text)
        with pytest.raises(UserError, match=message):
            read_file(lite / "model.tflite")
    finally:
        sums.write_text(whole)


def test_an_export_of_before_there_were_checksums(lite):
    sums = lite / "files.json"
    whole = sums.read_text()
    try:
        sums.unlink()
        assert read_file(lite / "model.tflite").class_names == NAMES
    finally:
        sums.write_text(whole)


def test_threads_get_what_one_gets(lite):
    detector = read_export(lite)
    photos = [np.random.default_rng(n).integers(0, 256, (64, 96, 3), np.uint8) for n in range(4)]
    expected = [detector.detect(photo, 0.0).scores.tolist() for photo in photos]
    found = {}

    def work(number):
        order = [(number + n) % 4 for n in range(20)]
        found[number] = [
            detector.detect(photos[n], 0.0).scores.tolist() == expected[n] for n in order
        ]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(map(all, found.values()))


def test_a_model_with_other_outputs(lite, tmp_path):
    trained = make(nms=False)
    write_recipe(tmp_path, trained.config, NAMES[:2])
    tflite.write(trained, tmp_path / "model.tflite")
    with pytest.raises(UserError, match=r"raw_detection_scores has the shape \[1, 90, 3\], expe"):
        read_file(tmp_path / "model.tflite")
