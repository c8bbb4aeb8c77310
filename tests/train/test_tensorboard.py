"""What TensorBoard shows, read back as it reads it; and over a resume."""

import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.train.runs import events, rows, scalars
from yolo_tf.train import tensorboard
from yolo_tf.train.tensorboard import TensorBoard, cut_events


def test_every_figure_of_a_run(straight):
    found = events(straight.tensorboard)
    tags = set(found.Tags()["tensors"])
    assert {
        "training/loss", "training/box_loss", "training/learning_rate",
        "training by level/box_loss_16", "training by level/objectness_loss_32",
        "validation/val_loss", "validation by level/val_box_loss_32",
        "figures/AP", "figures/AP50", "cost/images_per_second", "cost/memory_mb",
        "AP by class/circle", "AP by class/triangle", "truth and predictions",
    } <= tags  # fmt: skip
    table = rows(straight)
    for tag, name in (("training/loss", "loss"), ("figures/AP", "AP")):
        expected = [(int(row["epoch"]), pytest.approx(float(row[name]), rel=1e-4)) for row in table]
        assert scalars(found, tag) == expected


def test_the_image(straight):
    width, height, encoded = tf.make_ndarray(
        events(straight.tensorboard).Tensors("truth and predictions")[-1].tensor_proto
    )
    with Image.open(io.BytesIO(encoded)) as picture, Image.open(straight.predictions) as file:
        assert picture.size == (int(width), int(height)) == file.size
        difference = np.asarray(picture, int) - np.asarray(file, int)
        assert np.abs(difference).mean() < 3  # two JPEGs of one image
        assert file.size == (4 + 4 * 100, 4 + 4 * 68)  # 8 images of 96x64, twice


def write(folder, steps) -> list[Path]:
    """An event file with a value for each step."""
    with tf.summary.create_file_writer(str(folder)).as_default():
        for step in steps:
            tf.summary.scalar("training/loss", 10.0 * step, step=step)
    return sorted(folder.glob("events*"))


def test_what_is_beyond_the_last_checkpoint_goes(tmp_path):
    (path,) = write(tmp_path, [1, 2, 3])
    before = path.read_bytes()
    cut_events(tmp_path, 3)
    assert path.read_bytes() == before
    path.write_bytes(before[:-7])  # killed while it wrote
    cut_events(tmp_path, 3)
    assert scalars(events(tmp_path), "training/loss") == [(1, 10.0), (2, 20.0)]
    cut_events(tmp_path, 1)
    callback = TensorBoard(tmp_path, epoch=1)
    callback.on_epoch_end(1, {"loss": 5.0, "note": "no number"})
    assert scalars(events(tmp_path), "training/loss") == [(1, 10.0), (2, 5.0)]
    assert sorted(tmp_path.iterdir()) == sorted(tmp_path.glob("events*"))


def test_groups_of_charts():
    names = (
        "AR100",
        "loss",
        "learning_rate",
        "box_loss_8",
        "val_loss",
        "val_avg_iou_32",
        "seconds",
    )
    assert [tensorboard._tag(name) for name in names] == [
        "figures/AR100", "training/loss", "training/learning_rate", "training by level/box_loss_8",
        "validation/val_loss", "validation by level/val_avg_iou_32", "cost/seconds",
    ]  # fmt: skip
