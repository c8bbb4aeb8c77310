"""Checkpoints of a run: written whole or not at all, found again by "last" and "best".

`checkpoints/epoch-0012/` holds weights, optimiser state and state.json; `checkpoints/last.json`
and `best.json` name one of these folders. A folder gets its name when all of it is written.
"""

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import tensorflow as tf

from yolo_tf.errors import UserError
from yolo_tf.files import write_text

LAST, BEST = "last", "best"
# What TensorFlow raises on damaged or foreign checkpoints.
_READ_ERRORS = (tf.errors.OpError, AssertionError, ValueError, RuntimeError, IndexError)


@dataclass
class State:
    """What a resumed run needs beside weights and optimiser state."""

    epoch: int = 0  # epochs done
    step: int = 0  # updates done
    best: float | None = None  # best value of the chosen metric so far
    best_epoch: int = 0
    evaluations_since_best: int = 0
    images_before: int = 0  # that Darknet's weights had seen before this run


def save(folder: Path, network, optimizer, state: State, best: bool) -> Path:
    """Writes a checkpoint and makes it "last", and "best" too if asked; removes unnamed ones."""
    final = folder / f"epoch-{state.epoch:04d}"
    temporary = folder / f".{final.name}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    _objects(network, optimizer).write(str(temporary / "variables"))
    (temporary / "state.json").write_text(json.dumps(asdict(state), indent=2))
    if final.exists():  # a resumed run repeats an epoch that was cut off after its checkpoint
        shutil.rmtree(final)
    os.rename(temporary, final)
    for name in (LAST, BEST) if best else (LAST,):
        _point(folder / f"{name}.json", final.name)
    _remove_unnamed(folder)
    return final


def find(folder: Path, name: str = BEST) -> Path:
    """Folder of the "last" or "best" checkpoint; a run that never evaluated has no best: its last.

    Raises:
      UserError: there is none, or the file that names it is damaged.
    """
    pointers = [folder / f"{name}.json", folder / f"{LAST}.json"]
    pointer = next((path for path in pointers if path.exists()), None)
    if pointer is None:
        raise UserError(f"{folder}: no checkpoint; the run ended before its first epoch")
    try:
        path = folder / Path(json.loads(pointer.read_text())["checkpoint"]).name
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{pointer}: damaged; expected {{'checkpoint': 'epoch-NNNN'}}") from None
    if not (path / "variables.index").exists():
        raise UserError(f"{path}: named by {pointer.name}, but it has no variables.index")
    return path


def read_state(path: Path) -> State:
    """The state that `save` wrote.

    Raises:
      UserError: state.json is missing or damaged.
    """
    file = path / "state.json"
    try:
        state = State(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{file}: not readable: {error}") from None
    for name, value in asdict(state).items():
        kinds = (int, float, type(None)) if name == "best" else int
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise UserError(f"{file}: {name}: found {value!r}, expected a number")
    return state


def restore(path: Path, network, optimizer=None) -> None:
    """Sets the weights, and the optimiser's state if one is given.

    Raises:
      UserError: the checkpoint is of another network, or damaged.
    """
    check_shapes(path, network)
    try:
        if optimizer is not None:  # its variables must be there to be set
            optimizer.build(network.trainable_variables)
        status = _objects(network, optimizer).read(str(path / "variables"))
        if optimizer is None:
            status.expect_partial()
        status.assert_existing_objects_matched()
    except _READ_ERRORS as error:
        raise UserError(f"{path}: {_damaged(error)}") from None


def check_shapes(path: Path, network) -> None:
    """Compares the weights of a checkpoint with the network's, one by one.

    Raises:
      UserError: the first that differs, or the checkpoint is damaged.
    """
    try:
        reader = tf.train.load_checkpoint(str(path / "variables"))
    except _READ_ERRORS as error:
        raise UserError(f"{path}: {_damaged(error)}") from None
    stored = reader.get_variable_to_shape_map()
    layers = [layer for layer in network.layers if layer.weights]
    for index, layer in enumerate(layers):
        for weight in layer.weights:
            attribute = weight.name.split("/")[-1].split(":")[0]
            key = f"network/layer_with_weights-{index}/{attribute}/.ATTRIBUTES/VARIABLE_VALUE"
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


def _damaged(error) -> str:
    text = re.sub(r"\{\{.*?\}\} | \[Op:.*?\]", "", str(error).splitlines()[0])
    return f"damaged checkpoint, not readable: {text}"


def _objects(network, optimizer) -> tf.train.Checkpoint:
    parts = {"network": network}
    if optimizer is not None:
        parts["optimizer"] = optimizer
    return tf.train.Checkpoint(**parts)


def _point(pointer: Path, name: str) -> None:
    write_text(pointer, json.dumps({"checkpoint": name}) + "\n")


def _remove_unnamed(folder: Path) -> None:
    named = {json.loads(path.read_text())["checkpoint"] for path in folder.glob("*.json")}
    for path in folder.glob("epoch-*"):
        if path.name not in named:
            shutil.rmtree(path)
