"""Checkpoints: written whole or not at all, read back exactly, refused clearly."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.small import micro
from yolo_tf.config import OptimizerConfig
from yolo_tf.errors import UserError
from yolo_tf.runs import checkpoint, checkpoint_files
from yolo_tf.runs.checkpoint import State
from yolo_tf.train.optimizers import make_optimizer


def network(classes=3):
    channels = 3 * (5 + classes)
    bias = dict.fromkeys((16, 32), 0.0)
    return micro((32, 32), dict.fromkeys((16, 32), channels), 0.9, 1e-5, bias)


def trained(name="adamw"):
    model, optimizer = network(), make_optimizer(OptimizerConfig(name=name), 0.01)
    step(model, optimizer)
    return model, optimizer


def step(model, optimizer):
    weights = model.trainable_variables
    gradients = [tf.fill(w.shape, 0.1 * (i + 1)) for i, w in enumerate(weights)]
    optimizer.apply_gradients(zip(gradients, weights, strict=True))


def save(folder, model, optimizer, state, best=False):
    return checkpoint.save(folder, {"network": model, "optimizer": optimizer}, state, best)


def assert_equal_weights(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_weights_and_optimizer_come_back(tmp_path, name):
    model, optimizer = trained(name)
    state = State(epoch=3, step=17, best=0.25, best_epoch=2, evaluations_since_best=1)
    path = save(tmp_path, model, optimizer, state, best=False)

    other, other_optimizer = network(), make_optimizer(OptimizerConfig(name=name), 0.01)
    other_optimizer.build(other.trainable_variables)
    checkpoint.restore(path, other, optimizer=other_optimizer)
    assert_equal_weights(other, model)
    assert int(other_optimizer.iterations) == 1
    assert checkpoint.read_state(path) == state
    # The optimiser's moments are the same: so is the next step.
    step(model, optimizer)
    step(other, other_optimizer)
    assert_equal_weights(other, model)


def test_weights_alone(tmp_path):
    model, optimizer = trained()
    path = save(tmp_path, model, optimizer, State(epoch=1), best=True)
    other = network()
    checkpoint.restore(path, other)
    assert_equal_weights(other, model)


def test_last_and_best_are_kept_and_others_go(tmp_path):
    model, optimizer = trained()
    for epoch, best in ((1, True), (2, True), (3, False), (4, False)):
        save(tmp_path, model, optimizer, State(epoch=epoch), best)
    assert sorted(p.name for p in tmp_path.glob("epoch-*")) == [
        "epoch-0002",
        "epoch-0003",
        "epoch-0004",
    ]
    assert checkpoint.find(tmp_path, "last").name == "epoch-0004"
    assert checkpoint.find(tmp_path, "best").name == "epoch-0002"
    assert not list(tmp_path.glob(".*"))  # nothing temporary is left


def test_without_a_best_the_last_is_given(tmp_path):
    save(tmp_path, *trained(), State(epoch=1), best=False)
    assert checkpoint.find(tmp_path, "best").name == "epoch-0001"


def test_a_half_written_checkpoint_is_ignored(tmp_path):
    model, optimizer = trained()
    save(tmp_path, model, optimizer, State(epoch=1), best=False)
    half = tmp_path / ".epoch-0002.tmp"
    half.mkdir()
    (half / "variables.index").write_bytes(b"half")
    assert checkpoint.find(tmp_path, "last").name == "epoch-0001"
    path = save(tmp_path, model, optimizer, State(epoch=2), best=False)
    checkpoint.restore(path, network())
    assert not half.exists()


def test_cut_off_between_the_folder_and_its_name(tmp_path, monkeypatch):
    """Ended after the folder was renamed, before "last" named it: the older one is the last."""
    model, optimizer = trained()
    save(tmp_path, model, optimizer, State(epoch=1), best=False)

    def end(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint_files, "point", end)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, model, optimizer, State(epoch=2), best=False)
    monkeypatch.undo()
    assert checkpoint.find(tmp_path, "last").name == "epoch-0001"
    step(model, optimizer)
    path = save(tmp_path, model, optimizer, State(epoch=2), best=False)
    other = network()
    checkpoint.restore(path, other)
    assert_equal_weights(other, model)


def test_no_checkpoint(tmp_path):
    with pytest.raises(UserError, match="no checkpoint; the run ended before its first epoch"):
        checkpoint.find(tmp_path / "checkpoints", "last")


@pytest.mark.parametrize("text", ["", "{", "[]", '"epoch-0001"', "{}", '{"checkpoint": 3}'])
def test_a_damaged_pointer(tmp_path, text):
    (tmp_path / "last.json").write_text(text)
    with pytest.raises(UserError, match=r"last\.json: damaged; expected {'checkpoint'"):
        checkpoint.find(tmp_path, "last")


def test_a_pointer_to_nothing_and_out_of_the_folder(tmp_path):
    (tmp_path / "last.json").write_text(json.dumps({"checkpoint": "epoch-0009"}))
    with pytest.raises(UserError, match=r"named by last\.json, but it has no variables\.index"):
        checkpoint.find(tmp_path, "last")
    for name in (
        "../elsewhere/epoch-0009",
        "..",
        ".",
        "a\0b",
        "\x1b[31m",
        "\ud800",
        "a" * 5000,
        "",
    ):
        (tmp_path / "last.json").write_text(json.dumps({"checkpoint": name}))
        with pytest.raises(UserError, match=r"last\.json: damaged; expected {'checkpoint'"):
            checkpoint.find(tmp_path, "last")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", '{"epochs": 3}', '{"epoch": "3"}', '{"epoch": null}', '{"best": "high"}'],
)
def test_a_damaged_state(tmp_path, text):
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(UserError, match=r"state\.json: ") as caught:
        checkpoint.read_state(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_state(tmp_path):
    with pytest.raises(UserError, match=r"state\.json: not readable"):
        checkpoint.read_state(tmp_path)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save(tmp_path_factory.mktemp("c"), *trained(), State(epoch=1), best=False)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 16] ^= 255
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: cut(folder / "variables.index", 0),
        lambda folder: cut(folder / "variables.index", 100),
        lambda folder: (folder / "variables.index").write_text("no checkpoint at all " * 100),
        lambda folder: cut(folder / "variables.data-00000-of-00001", 1000),
        lambda folder: flip(folder / "variables.data-00000-of-00001"),
        lambda folder: (folder / "variables.data-00000-of-00001").unlink(),
    ],
    ids=["empty index", "short index", "foreign index", "short data", "flipped byte", "no data"],
)
def test_a_damaged_checkpoint(tmp_path, saved, damage):
    path = shutil.copytree(saved, tmp_path / "epoch-0001")
    damage(path)
    with pytest.raises(UserError, match="epoch-0001: damaged checkpoint, not readable") as caught:
        checkpoint.restore(path, network())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("classes", [2, 4])
def test_another_number_of_classes(saved, classes):
    with pytest.raises(UserError) as caught:
        checkpoint.restore(saved, network(classes))
    found, here = 3 * (5 + 3), 3 * (5 + classes)
    assert f"has shape (1, 1, 16, {found}) there and (1, 1, 16, {here}) here" in str(caught.value)
    assert "another number of classes or anchors" in str(caught.value)


def test_another_network(saved):
    bias = dict.fromkeys((16, 32), 0.0)
    small = micro((32, 32), {16: 24}, 0.9, 1e-5, bias)
    large = tf_keras.Sequential([tf_keras.layers.Dense(3, input_shape=(2,)) for _ in range(9)])
    for model in (large, small):
        with pytest.raises(UserError, match="epoch-0001: ") as caught:
            checkpoint.restore(saved, model)
        assert "another" in str(caught.value)
