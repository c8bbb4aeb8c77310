"""Folders of checkpoints: whole or not there, named by "last" and "best", checked before use.

`checkpoints/epoch-0012/` (`epoch-0012-step-000345` of a training that was interrupted within the
epoch after it) gets its name when all of it is written and on the disk. `last.json` names the
newest and the one before, `best.json` the best. `files.json` in each folder holds size and
checksum of its files.
"""

import json
import os
import re
import shutil
from pathlib import Path

from yolo_tf.errors import UserError
from yolo_tf.files import size_and_sum, write_text
from yolo_tf.text_files import read_json

LAST, BEST = "last", "best"
VARIABLES, STATE = "variables", "state.json"
_FILES = "files.json"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")  # of a checkpoint's folder
_MOST_JSON = 1 << 20  # bytes of a pointer or a list of files


def name_whole(temporary: Path, final: Path) -> None:
    """Gives a folder that is complete its name; it survives a power cut from here on."""
    sums = {}
    for path in sorted(temporary.iterdir()):
        sums[path.name] = size_and_sum(path)
        _to_disk(path)
    (temporary / _FILES).write_text(json.dumps(sums, indent=2))
    _to_disk(temporary / _FILES)
    _to_disk(temporary)
    if final.exists():  # a resumed run repeats an epoch that was cut off after its checkpoint
        shutil.rmtree(final)
    os.rename(temporary, final)
    _to_disk(final.parent)


def point(folder: Path, name: str, best: bool) -> None:
    """Makes a checkpoint "last", "best" too if asked, and removes those that nothing names."""
    before = [n for n in _names(folder / f"{LAST}.json") if n != name and (folder / n).exists()]
    _write_pointer(folder / f"{LAST}.json", [name, *before[:1]])
    if best:
        _write_pointer(folder / f"{BEST}.json", [name])
    named = {n for pointer in (LAST, BEST) for n in _names(folder / f"{pointer}.json")}
    for path in folder.glob("epoch-*"):
        if path.name not in named:
            shutil.rmtree(path)


def find(folder: Path, name: str = BEST, tell=print) -> Path:
    """Folder of the "last" or "best" checkpoint, or of the next that is whole.

    A run that never evaluated has no best: its last. Where a checkpoint is damaged, `tell` gets a
    line and the one before takes its place.

    Raises:
      UserError: there is none, none is whole, or the file that names them is damaged.
    """
    pointers = [folder / f"{pointer}.json" for pointer in dict.fromkeys((name, LAST, BEST))]
    pointers = [path for path in pointers if path.exists()]
    if not pointers:
        raise UserError(f"{folder}: no checkpoint; the run ended before its first epoch")
    named = {}
    for path in pointers:
        for checkpoint in _named(path):
            named.setdefault(checkpoint, path.name)
    faults = []
    for checkpoint, pointer in named.items():
        fault = _fault(folder / checkpoint)
        if not fault:
            if faults:
                line = f"warning: {'; '.join(faults)}; {folder / checkpoint} takes its place"
                tell(str(UserError(line)))  # as it may be shown, whatever a file says
            return folder / checkpoint
        faults.append(f"{folder / checkpoint}: named by {pointer}, but {fault}")
    raise UserError("; ".join(faults))


def _fault(path: Path) -> str:
    """What is wrong with a checkpoint's files; empty if they are as they were written."""
    if not (path / f"{VARIABLES}.index").exists():
        return f"it has no {VARIABLES}.index"
    for file in sorted(path.iterdir()):
        if not file.is_file():  # TensorFlow would wait forever at a pipe
            return f"{file.name} is no file"
    if not (path / _FILES).exists():  # written before there were checksums
        return ""
    try:
        sums = read_json(path / _FILES, _MOST_JSON)
        for name, (size, total) in sums.items():
            file = path / Path(name).name
            if not file.exists():
                return f"it has no {name}"
            if [size, total] != size_and_sum(file):
                return f"{name} is damaged"
    except (OSError, ValueError, TypeError, AttributeError) as error:
        return f"{_FILES} is damaged: {error}"
    return ""


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_pointer(path: Path, names: list[str]) -> None:
    value = {"checkpoint": names[0]} | ({"before": names[1]} if names[1:] else {})
    write_text(path, json.dumps(value) + "\n")


def _names(pointer: Path) -> list[str]:
    """As `_named`, but a file that is missing or damaged names nothing: it is written anew."""
    try:
        return _named(pointer)
    except UserError:
        return []


def _named(pointer: Path) -> list[str]:
    """Folder names in a pointer file, the newest first; never a path out of the folder."""
    try:
        value = read_json(pointer, _MOST_JSON)
        names = [n for n in (value["checkpoint"], value.get("before")) if n is not None]
        whole = all(_NAME.fullmatch(name) for name in names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise UserError(f"{pointer}: damaged; expected {{'checkpoint': 'epoch-NNNN'}}")
    return names
