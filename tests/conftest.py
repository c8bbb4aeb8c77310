"""What several tests share: drawn records, a small recipe, and one run trained with it."""

import gc
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings

from tests.cli.commands import command  # noqa: F401
from tests.costs import Costs
from tests.small import small_config

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def pytest_configure(config):
    config.pluginmanager.register(Costs(config))


@pytest.fixture(scope="module", autouse=True)
def forget_graphs():
    """Models and graphs lie in cycles; two workers full of them fill a small machine."""
    yield
    gc.collect()
    gc.freeze()  # what is left stays: TensorFlow's own, which the next one need not look through


@pytest.fixture(scope="session")
def shapes_records(tmp_path_factory):
    """Records of drawn shapes, 96x96: folder, patterns `train` (24 images) and `val` (8)."""
    from yolo_tf.data.build.build import build
    from yolo_tf.data.sources.base import Options
    from yolo_tf.data.sources.shapes import CLASSES, ShapesSource

    folder = tmp_path_factory.mktemp("records")
    for split, images in (("train", 24), ("val", 8)):
        source = ShapesSource(Options(split=split, images=images, size=(96, 96)))
        build(source, folder, "shapes", split, shards=2)
    return SimpleNamespace(
        folder=folder,
        train=f"{folder}/shapes-train.tfrecord-*",
        val=f"{folder}/shapes-val.tfrecord-*",
        classes=list(CLASSES),
    )


@pytest.fixture(scope="session")
def tiny_run(shapes_records, tmp_path_factory) -> Path:
    """A run folder after 2 epochs at 64x96, with its report. To be read; copy it to change it."""
    from yolo_tf.runs.folder import RunFolder
    from yolo_tf.train.loop import train

    path = tmp_path_factory.mktemp("runs") / "tiny"
    train(small_config(shapes_records.train, shapes_records.val, report=True), RunFolder(path))
    return path


@pytest.fixture
def run_copy(tiny_run, tmp_path) -> Path:
    """A copy of `tiny_run` to change."""
    return Path(shutil.copytree(tiny_run, tmp_path / "run"))
