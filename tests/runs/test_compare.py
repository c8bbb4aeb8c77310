import shutil

import pytest
from PIL import Image

from yolo_tf.config.yaml_files import read_config, write_config
from yolo_tf.errors import UserError
from yolo_tf.runs.compare import compare


@pytest.fixture
def runs(tiny_run, tmp_path):
    """Two runs of one name in two folders; the second had another learning rate."""
    paths = [tmp_path / part / "run" for part in ("a", "b")]
    for path in paths:
        shutil.copytree(tiny_run, path, ignore=shutil.ignore_patterns("checkpoints", "tensorboard"))
    config = read_config(paths[1] / "config.yaml")
    config.train.optimizer.learning_rate = 0.5
    write_config(config, paths[1] / "config.yaml")
    return paths


def test_a_table_and_an_image(runs, tmp_path):
    text = compare(list(map(str, runs)), tmp_path)
    assert (tmp_path / "compare.md").read_text() == text + "\n"
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert [row[0] for row in rows[2:4]] == ["a/run", "b/run"]
    assert rows[2][1:4] == ["yolov3_tiny", "96x64", "2"]
    assert rows[2][1:] == rows[3][1:]
    assert rows[-1] == ["train.optimizer.learning_rate", "0.001", "0.5"]
    assert min(Image.open(tmp_path / "compare.png").size) > 300


def test_a_run_that_goes_on(runs, tmp_path):
    lines = (runs[0] / "results.csv").read_text().splitlines(keepends=True)
    (runs[0] / "results.csv").write_text("".join(lines[:2]))
    row = compare([str(runs[0])], tmp_path).splitlines()[2]
    assert row.split("|")[4].strip() == "1 of 2"


def test_one_run(runs, tmp_path):
    assert len(compare([str(runs[0])], tmp_path).splitlines()) == 3


def test_mistakes(runs, tmp_path):
    with pytest.raises(UserError, match="named twice"):
        compare([str(runs[0])] * 2, tmp_path)
    with pytest.raises(UserError, match=r"no run folder \(it has no config\.yaml\)"):
        compare([str(tmp_path)], tmp_path)
    (runs[1] / "results.csv").unlink()
    with pytest.raises(UserError, match="no epoch is finished there"):
        compare(list(map(str, runs)), tmp_path)
