"""results.csv, results.png and the line of an epoch."""

import numpy as np
import pytest

from yolo_tf.errors import UserError
from yolo_tf.runs.folder import RunFolder
from yolo_tf.runs.results import read_rows
from yolo_tf.train import progress
from yolo_tf.train.progress import ResultsWriter

LOGS = {"loss": 1.5, "learning_rate": 0.1, "seconds": 2.0, "images_per_second": 8.0}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "plot_results", lambda *_: None)
    return RunFolder(tmp_path)


def test_a_row_and_a_line_an_epoch(run, capsys):
    left = iter([61.0, None])
    written = ResultsWriter(run, 3, lambda: next(left))
    written.on_epoch_end(0, {**LOGS, "memory_mb": 2345.6})
    written.on_epoch_end(1, {**LOGS, "AP": 0.25, "AP50": np.float32(0.5), "note": "no number"})
    found = read_rows(run.results)
    assert [row["epoch"] for row in found] == ["1", "2"]
    assert found[0]["AP"] == ""  # not evaluated: empty, not 0
    assert (found[1]["AP"], found[1]["AP50"], found[1]["loss"]) == ("0.25", "0.5", "1.5")
    assert (found[0]["memory_mb"], found[0]["images_per_second"]) == ("2345.6", "8")
    assert "note" not in found[1]
    assert capsys.readouterr().out.splitlines() == [
        "epoch 1/3  loss 1.500  lr 1.00e-01  2.0 s, 8.0 images/s, 2,346 MB, 0:01:01 left",
        "epoch 2/3  loss 1.500  lr 1.00e-01  2.0 s, 8.0 images/s  AP 0.2500  AP50 0.5000",
    ]


def test_a_resumed_record_repeats_no_epoch(run):
    first = ResultsWriter(run, 4, lambda: None)
    for epoch in range(3):
        first.on_epoch_end(epoch, {**LOGS, "loss": 10.0 + epoch})
    # Resumed after epoch 2: epoch 3 was done, but its checkpoint was not.
    second = ResultsWriter(run, 4, lambda: None)
    for epoch in (2, 3):
        second.on_epoch_end(epoch, {**LOGS, "loss": 20.0 + epoch})
    found = read_rows(run.results)
    assert [row["epoch"] for row in found] == ["1", "2", "3", "4"]
    assert [float(row["loss"]) for row in found] == [10, 11, 22, 23]


@pytest.mark.parametrize("text", ["loss\n1\n", "epoch,loss\nx,1\n", "epoch,loss\n,1\n"])
def test_a_damaged_record(run, text):
    run.results.write_text(text)
    with pytest.raises(UserError, match=r"results\.csv: line 2: epoch: found .*expected a number"):
        ResultsWriter(run, 4, lambda: None)
