"""Small trainings: of the micro network, three steps an epoch."""

import pytest

from tests.small import add_micro, small_config
from yolo_tf.config import AveragesConfig
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train import progress, validation
from yolo_tf.train.loop import train


@pytest.fixture(scope="session")
def micro_network():
    """The small network is in the zoo."""
    with pytest.MonkeyPatch.context() as patch:
        add_micro(patch)
        yield


@pytest.fixture(scope="session")
def recipe(micro_network, shapes_records):
    """Function (epochs, val, settings of config.train) -> a recipe; with averages."""

    def make(epochs=2, val=False, **settings):
        pattern = shapes_records.val if val else ""
        settings = {"averages": AveragesConfig(decay=0.9), "tensorboard": False} | settings
        config = small_config(shapes_records.train, pattern, epochs=epochs, **settings)
        config.model.name = "micro"
        return config

    return make


@pytest.fixture(scope="session")
def straight(recipe, tmp_path_factory):
    """Two epochs with validation, TensorBoard and a profile. To be read; copy it to change it."""
    run = RunFolder(tmp_path_factory.mktemp("straight") / "run")
    train(recipe(val=True, tensorboard=True, profile=(2, 3)), run)
    return run


@pytest.fixture
def no_pictures(monkeypatch):
    """None of a training batch, for which the input pipeline is built once more, and no plot."""
    monkeypatch.setattr(progress, "plot_results", lambda *_: None)
    monkeypatch.setattr(validation, "draw_training_batch", lambda *_: None)
