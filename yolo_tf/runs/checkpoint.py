"""Checkpoints of a run: weights, optimiser, moving averages and where the training was.

`checkpoint_files` says where they lie and which of them counts.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import tensorflow as tf
import tf_keras

from yolo_tf.errors import UserError
from yolo_tf.files import cause
from yolo_tf.patterns import plain_name
from yolo_tf.runs import checkpoint_files
from yolo_tf.runs.checkpoint_files import BEST, LAST, STATE, VARIABLES, find
from yolo_tf.text_files import read_json

__all__ = ["BEST", "LAST", "State", "check_shapes", "find", "read_state", "restore", "save"]
# What TensorFlow raises on damaged or foreign checkpoints.
_MOST_STATE = 1 << 16  # bytes of a state.json
_MOST_STEPS = 2**62  # of any count in it
_READ_ERRORS = (tf.errors.OpError, AssertionError, ValueError, RuntimeError, IndexError)


@dataclass
class State:
    """What a resumed run needs beside the variables.

    The order of the images and all random numbers follow from the seed in the recipe and the
    number of updates, so these two are the position in the input and the state of the generators.
    """

    epoch: int = 0  # epochs done
    step: int = 0  # updates done
    best: float | None = None  # best value of the chosen metric so far
    best_epoch: int = 0
    evaluations_since_best: int = 0
    images_before: int = 0  # that Darknet's weights had seen before this run
    within_epoch: int = 0  # updates done of the epoch that was interrupted
    rollbacks: int = 0  # after losses that were not finite; each halves the learning rate


def save(folder: Path, objects: dict, state: State, best: bool = False, extra=None) -> Path:
    """Writes a checkpoint and makes it "last", and "best" too if asked; removes those before.

    Args:
      folder: of the run's checkpoints.
      objects: name -> what `tf.train.Checkpoint` tracks: "network", "optimizer", ...
      state: written as state.json.
      best: whether it is the best so far.
      extra: name -> text of further files, such as the recipe.

    Raises:
      UserError: the disk is full, or the folder cannot be written; earlier checkpoints are whole.
    """
    final = folder / _folder_name(state)
    temporary = folder / f".{final.name}.tmp"
    try:
        for old in folder.glob(".epoch-*.tmp"):  # of a process that was killed while writing
            shutil.rmtree(old)
        temporary.mkdir(parents=True)
        tf.train.Checkpoint(**objects).write(str(temporary / VARIABLES))
        (temporary / STATE).write_text(json.dumps(asdict(state), indent=2))
        for name, text in (extra or {}).items():
            (temporary / name).write_text(text, encoding="utf-8")
        checkpoint_files.name_whole(temporary, final)
        checkpoint_files.point(folder, final.name, best)
    except (OSError, tf.errors.OpError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise UserError(f"{final}: cannot be written: {cause(error)}; {_kept(folder)}") from None
    return final


def _folder_name(state: State) -> str:
    return f"epoch-{state.epoch:04d}" + (f"-step-{state.step:08d}" if state.within_epoch else "")


def _kept(folder: Path) -> str:
    try:
        return f"the last good checkpoint is {find(folder, LAST)}"
    except UserError:
        return "there is no earlier checkpoint"


def read_state(path: Path) -> State:
    """The state that `save` wrote.

    Raises:
      UserError: state.json is missing or damaged.
    """
    file = path / STATE
    try:
        state = State(**read_json(file, _MOST_STATE))
    except TypeError as error:
        raise UserError(f"{file}: not readable: {error}") from None
    for name, value in asdict(state).items():
        kinds = (int, float, type(None)) if name == "best" else int
        fits = isinstance(value, kinds) and not isinstance(value, bool)
        if not fits or (value is not None and not 0 <= value < _MOST_STEPS):
            raise UserError(f"{file}: {name}: found {value!r:.60}, expected a number from 0")
    return state


def restore(path: Path, network, **others) -> None:
    """Sets the weights, and the state of others, by the names that they were saved under.

    Without others the network gets the averages of its weights, where the run kept some: it is
    to be used, not trained further.

    Args:
      path: the checkpoint.
      network: the model.
      others: name -> object, such as optimizer=..., that is to have its saved state.

    Raises:
      UserError: the checkpoint is of another network, or damaged.
    """
    check_shapes(path, network)
    try:
        with plain_name(path) as folder:
            status = tf.train.Checkpoint(network=network, **others).read(str(folder / VARIABLES))
        status.expect_partial()
        status.assert_existing_objects_matched()
        if not others:
            _use_averages(path, network)
    except _READ_ERRORS as error:
        raise UserError(f"{path}: {_damaged(error)}") from None


def _use_averages(path: Path, network) -> None:
    reader = _reader(path)
    for index, weight in enumerate(network.weights):
        key = f"averages/values/{index}/.ATTRIBUTES/VARIABLE_VALUE"
        if reader.has_tensor(key):
            weight.assign(reader.get_tensor(key))


def check_shapes(path: Path, network) -> None:
    """Compares the weights of a checkpoint with the network's, one by one.

    Raises:
      UserError: the first that differs, or the checkpoint is damaged.
    """
    try:
        reader = _reader(path)
    except _READ_ERRORS as error:
        raise UserError(f"{path}: {_damaged(error)}") from None
    stored = reader.get_variable_to_shape_map()
    for weight, key in _keys(network, "network"):
        if key not in stored:
            raise UserError(f"{path}: has no {weight.name}; it is of another network")
        found, expected = tuple(stored[key]), tuple(weight.shape)
        if found != expected:
            # The last axis of an output layer is anchors * (5 + classes).
            outputs = found[:-1] == expected[:-1] and "output" in weight.name
            kind = "one with another number of classes or anchors" if outputs else "another"
            raise UserError(
                f"{path}: {weight.name} has shape {found} there and {expected} here; its"
                f" network is {kind}"
            )


def _keys(model, path: str) -> Iterator[tuple]:
    """(weight, its key in a checkpoint) of all layers, those of a model inside of it too."""
    layers = (layer for layer in model.layers if layer.weights)
    for index, layer in enumerate(layers):
        inner = f"{path}/layer_with_weights-{index}"
        if isinstance(layer, tf_keras.Model):
            yield from _keys(layer, inner)
            continue
        names = {}
        for name, child in tf.train.TrackableView.children(layer).items():
            names.setdefault(id(child), name)  # the first is the one that is saved
        for weight in layer.weights:
            yield weight, f"{inner}/{names[id(weight)]}/.ATTRIBUTES/VARIABLE_VALUE"


def _reader(path: Path):
    with plain_name(path) as folder:
        return tf.train.load_checkpoint(str(folder / VARIABLES))


def _damaged(error) -> str:
    text = re.sub(r"\{\{.*?\}\} | \[Op:.*?\]", "", str(error).splitlines()[0])
    return f"damaged checkpoint, not readable: {text}"
