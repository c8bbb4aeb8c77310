"""fit_anchors: figures, a recipe that can be trained, and mistakes."""

import re

import numpy as np
import pytest

from tests.data.records.made import record, write
from yolo_tf.config import recipes
from yolo_tf.detector.build import build_head

BASE = "shapes"


def fitted(command, records, output, *flags):
    return command("fit_anchors", f"--data={records}", f"--output={output}", *flags)


def figure(text, name):
    recipes, found = re.search(rf"^{name} +([\d.]+) +([\d.]+)$", text, re.MULTILINE).groups()
    return float(recipes), float(found)


def test_help_teaches(command):
    out = command("fit_anchors", "--help").out
    assert "  scripts/fit_anchors.py --config=" in out
    assert max(map(len, out.splitlines())) <= 100


def test_the_recipe_it_writes(command, shapes_records, tmp_path):
    output = tmp_path / "new" / "fitted.py"
    done = fitted(command, shapes_records.train, output, f"--config={BASE}")
    assert done.code == 0
    assert re.search(r"24 images, \d+ boxes, \d+ to fit", done.out)
    before, after = figure(done.out, "average best IoU")
    assert after >= before
    base = recipes.load_recipe(recipes.find_recipe(BASE))
    config = recipes.load_recipe(output)
    assert config.input_size == base.input_size
    assert {s: len(a) for s, a in config.head.anchors.items()} == {
        s: len(a) for s, a in base.head.anchors.items()
    }
    areas = np.concatenate([np.prod(config.head.anchors[s], axis=1) for s in (16, 32)])
    assert (np.diff(areas) >= -1).all()
    assert config.head.anchors != base.head.anchors
    assert config.train.optimizer == base.train.optimizer
    build_head(config, 5)
    assert output.with_suffix(".png").is_file()


def test_input_size_and_resize_are_taken_over(command, shapes_records, tmp_path):
    output = tmp_path / "a.py"
    flags = ["--config.input_size=64,96", "--config.data.resize=letterbox", "--restarts=1"]
    assert fitted(command, shapes_records.train, output, f"--config={BASE}", *flags).code == 0
    config = recipes.load_recipe(output)
    assert (config.input_size, config.data.resize) == ((64, 96), "letterbox")
    assert max(side for anchors in config.head.anchors.values() for side, _ in anchors) < 64
    # A fitted recipe may be fitted again, from where it lies.
    again = fitted(command, shapes_records.train, tmp_path / "b.py", f"--config={output}")
    assert again.code == 0
    assert recipes.load_recipe(tmp_path / "b.py").input_size == (64, 96)


def test_the_same_seed_gives_the_same_file(command, shapes_records, tmp_path):
    texts = []
    for name in ("a.py", "b.py"):
        flags = [f"--config={BASE}", "--seed=3", "--restarts=2", "--update=mean"]
        assert fitted(command, shapes_records.train, tmp_path / name, *flags).code == 0
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]


def test_boxes_without_area_are_left_out(command, tmp_path):
    sizes = np.linspace(0.1, 0.9, 12)
    boxes = [[0, 0, side, side] for side in sizes] + [[0.5, 0.5, 0.5, 0.7]]
    data = write(tmp_path, [[record("a", boxes)]])
    done = fitted(command, data, tmp_path / "x.py", f"--config={BASE}")
    assert done.code == 0
    assert "warning: 1 boxes without area are left out" in done.out


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([], "found 0 boxes of 0 sizes, expected at least 6 sizes for 6 anchors"),
        ([[0, 0, 0.5, 0.5]] * 9, "found 9 boxes of 1 sizes, expected at least 6 sizes"),
        ([[0.5, 0, 0.2, 0.5]], "image 'a': box 1: found"),
    ],
)
def test_too_few_boxes(command, tmp_path, boxes, message):
    data = write(tmp_path, [[record("a", boxes)]])
    done = fitted(command, data, tmp_path / "x.py", f"--config={BASE}")
    assert done.code == 1
    (line,) = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert message in line
    assert not (tmp_path / "x.py").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--config=yolox_tiny"], "found YoloxHeadConfig, which has no anchors to fit"),
        (["--config=ssd_tiny"], "found SsdHeadConfig, whose priors follow from scales"),
        (["--config=darknet"], "config.head.anchors is empty"),
        ([], "--config is missing: name a recipe"),
        (["--config=shapes", "--data="], "--data is missing"),
        (["--config=shapes", "--output="], "--output is missing"),
        (["--config=shapes", "--output=x.txt"], "--output: found 'x.txt', expected a file"),
        (["--config=shapes", "--data=none*"], "none*: no file matches this pattern"),
        (["--config=own.py", "--output=own.py"], "--output: own.py is the recipe itself"),
    ],
)
def test_mistakes(command, shapes_records, tmp_path, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(recipes.find_recipe(BASE).read_text())
    usual = [f"--data={shapes_records.train}", "--output=x.py"]
    names = [flag.partition("=")[0] for flag in flags]
    given = [flag for flag in usual if flag.partition("=")[0] not in names]
    done = command("fit_anchors", *given, *flags)
    assert message in done.error()
    assert not (tmp_path / "x.py").exists()
