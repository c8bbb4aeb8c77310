"""One command from labelled photos and weights to a detector."""

import csv

import pytest
from PIL import Image

from tests.data.folders import voc_object, voc_xml
from yolo_tf.runs.folder import RunFolder

pytestmark = pytest.mark.long


@pytest.fixture
def photos(tmp_path):
    """XML beside images: red squares, all of about a size that no anchor of the run has."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(12):
        corners = (2 + number, 4, 52 + number, 14)
        image = Image.new("RGB", (96, 64), (20 * number, 40, 90))
        image.paste((250, 0, 0), corners)
        image.save(folder / f"p{number}.jpg")
        objects = voc_object("square", corners) + voc_object("square", (60, 30, 90 - number, 60))
        objects += voc_object("square", (5, 30, 20 + number, 34 + number))
        objects += voc_object("square", (30, 30, 40 + number, 60 - number))
        text = voc_xml(f"p{number}", objects, (64, 96))
        (folder / f"p{number}.xml").write_text(text)
    return folder


def test_from_photos_and_a_run_to_a_detector(command, photos, tiny_run, tmp_path):
    run = tmp_path / "runs" / "cells"
    done = command(
        "train", f"--data={photos}", f"--weights={tiny_run}", f"--workdir={run}",
        "--config.train.epochs=1", "--config.train.tensorboard=false",
    )  # fmt: skip
    assert done.code == 0, done.err
    config = RunFolder(run).read_recipe()[0]
    before = RunFolder(tiny_run).read_recipe()[0]
    assert config.input_size == before.input_size
    assert config.head.anchors != before.head.anchors
    assert config.train.optimizer == before.train.optimizer
    assert config.train.epochs == 1
    assert config.train.averages.decay > 0
    chosen = done.out.partition("chosen, as nothing else is given")[2].splitlines()
    assert any(line.split()[:2] == ["anchors", "fitted"] for line in chosen)
    assert any(line.endswith("--batch=N, --batch=auto by memory") for line in chosen)
    assert not any("--config.train.epochs" in line for line in chosen)
    assert (run / "export" / "saved_model" / "saved_model.pb").is_file()
    lines = done.out.splitlines()
    with open(run / "results.csv", encoding="utf-8") as file:
        ap50 = float(next(csv.DictReader(file))["AP50"])
    reached = next(line for line in lines if line.startswith("reached "))
    assert f"AP50 {ap50:.3f}" in reached
    assert lines[-1] == f"next         yolo-tf detect --model={run} --input=photo.jpg"


def test_kept_anchors_and_a_batch_that_is_given(command, photos, tiny_run, tmp_path):
    done = command(
        "train", f"--data={photos}", f"--weights={tiny_run}", f"--workdir={tmp_path / 'x'}",
        "--keep_anchors", "--batch=2", "--dry_run",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "  anchors " not in done.out
    assert "  batch size " not in done.out
    assert " s for 2 images," in done.out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--batch=many"], "--batch: found 'many', expected a number of images from 1 on, or auto"),
        (["--config.train.export=saved"], "config.train.export: found 'saved'"),
        (["--batch=4", "--config.train.batch_size=8"], "--batch and --config.train.batch_size"),
    ],
)
def test_a_wrong_setting(command, shapes_records, tmp_path, flags, said):
    done = command(
        "train", "--config=shapes", f"--workdir={tmp_path / 'x'}",
        f"--config.data.train={shapes_records.train}", *flags,
    )  # fmt: skip
    assert done.error().startswith(said)
