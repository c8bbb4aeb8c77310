"""What happens around the steps, with a model that is not trained."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from yolo_tf.config import TrainConfig
from yolo_tf.errors import UserError
from yolo_tf.runs import checkpoint
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train import callbacks
from yolo_tf.train.callbacks import Alarm


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path)
    folder.checkpoints.mkdir()
    return folder


@pytest.fixture
def model():
    network = tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(3,))])
    optimizer = tf_keras.optimizers.SGD(0.1)
    optimizer.build(network.trainable_variables)
    keys = SimpleNamespace(result=lambda: tf.constant([0, 11, 0, 22], tf.int64))
    return SimpleNamespace(
        network=network, optimizer=optimizer, stop_training=False, non_finite=keys
    )


def attach(callback, model):
    callback.set_model(model)
    return callback


def test_evaluation_every_so_many_epochs_and_in_the_last():
    calls = []

    def evaluate():
        calls.append(True)
        return {"AP": 0.1 * len(calls)}

    callback = callbacks.Evaluate(evaluate, TrainConfig(evaluate_every=3, epochs=7))
    evaluated = []
    for epoch in range(7):
        logs = {}
        callback.on_epoch_end(epoch, logs)
        if "AP" in logs:
            evaluated.append(epoch + 1)
    assert evaluated == [3, 6, 7]


def save(run, model, state, best):
    objects = {"network": model.network, "optimizer": model.optimizer}
    return checkpoint.save(run.checkpoints, objects, state, best)


def epochs_of(run, model, values, patience=0, metric="AP"):
    """Ends an epoch with each of the values, None for no evaluation, until training stops."""
    state = checkpoint.State()
    settings = TrainConfig(best_metric=metric, patience=patience)
    saver = SimpleNamespace(save=lambda state, best: save(run, model, state, best))
    callback = attach(callbacks.Checkpoint(saver, state, 3, settings), model)
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {} if value is None else {metric: value})
        if model.stop_training:
            break
    return state


def test_best_is_that_of_the_metric(run, model):
    state = epochs_of(run, model, [0.1, 0.3, 0.2, None, 0.3])
    assert (state.best, state.best_epoch, state.epoch) == (0.3, 2, 5)
    assert state.evaluations_since_best == 2  # not an epoch without evaluation
    assert checkpoint.find(run.checkpoints, "best").name == "epoch-0002"
    assert checkpoint.find(run.checkpoints, "last").name == "epoch-0005"
    assert checkpoint.read_state(checkpoint.find(run.checkpoints, "last")) == state


def test_patience_counts_evaluations(run, model, capsys):
    state = epochs_of(run, model, [0.1, 0.3, 0.2, None, 0.3, 0.9], patience=2)
    assert state.epoch == 5
    assert model.stop_training
    out = capsys.readouterr().out
    assert "stopped: 2 evaluations without a better AP than 0.3000 of epoch 2" in out


def test_no_patience_goes_on(run, model):
    assert epochs_of(run, model, [0.3] + [0.1] * 9).epoch == 10
    assert not model.stop_training


def test_a_metric_that_is_never_there_is_no_reason_to_stop(run, model):
    state = epochs_of(run, model, [None] * 4, patience=1)
    assert (state.epoch, state.best) == (4, None)
    assert checkpoint.find(run.checkpoints, "best").name == "epoch-0004"  # its last


def test_a_loss_that_is_not_finite(model):
    seen = []

    def find_images(keys):
        seen.extend(keys)
        return ["photo-11", "photo-22"]

    callback = attach(Alarm(find_images), model)
    callback.on_train_batch_end(0, {"loss": 1.0, "box_loss_16": 1.0})
    logs = {
        "loss": float("nan"),
        "box_loss": float("inf"),
        "box_loss_16": float("inf"),
        "box_loss_32": 1.0,
        "class_loss_32": float("nan"),
        "avg_iou_16": float("nan"),
        "loss_16": float("nan"),
    }
    with pytest.raises(UserError) as caught:
        callback.on_train_batch_end(0, logs)
    message = str(caught.value)
    assert "the loss is nan from box_loss at stride 16, class_loss at stride 32;" in message
    assert "first seen in image photo-11, photo-22;" in message
    assert "lower config.train.optimizer.learning_rate" in message
    assert seen == [11, 22]
    assert "\n" not in message


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_at_the_end_of_an_epoch(model, value):
    callback = attach(Alarm(lambda keys: []), model)
    callback.on_epoch_end(4, {})
    model.network.layers[0].bias.assign([1.0, value])
    with pytest.raises(UserError, match=r"epoch 5: dense.*/bias:0 has values that are not finite"):
        callback.on_epoch_end(4, {})
