"""A script: kills builds at every moment there is, starts each again, and says what came of it.

  python killed_builds.py VOC_FOLDER WORK_FOLDER

A child process is forked for each moment, builds, and ends itself with SIGKILL there. Moments are
the images read, and the files that are renamed or removed. All this without an older set of the
split; then, from where its shards are finished on, with one of fewer shards, and of as many.
Prints a line of JSON for each moment.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path

from yolo_tf.data.build.build import build
from yolo_tf.data.records.card import read_card
from yolo_tf.data.records.files import find_shards
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.voc import VocSource
from yolo_tf.errors import UserError

SHARDS = 3


def main(root: str, work: Path) -> None:
    wanted = work / "wanted"
    run(root, wanted)
    moment, all_finished = 0, None
    for old_shards in (0, SHARDS - 1, SHARDS):
        old = work / f"old{old_shards}"
        old.mkdir()
        if old_shards:
            run(root, old, "old", old_shards)
            moment = all_finished
        killed = True
        while killed:
            output = Path(shutil.copytree(old, work / f"{old_shards}-{moment}"))
            killed, _ = fork(root, output, moment)
            state = seen(output, sums(old), sums(wanted))
            finished = len(list(output.glob(".toy-train.build/0*.json")))
            if all_finished is None and finished == SHARDS:
                all_finished = moment
            _, reads = fork(root, output, None)
            same = sums(output) == sums(wanted)
            result = {"killed": killed, "seen": state, "finished": finished, "reads": reads}
            print(json.dumps({"old": old_shards, "moment": moment, "same": same, **result}))
            moment += 1


def run(root: str, output: Path, split: str = "train", shards: int = SHARDS) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        build(VocSource(Options(split, root)), output, "toy", "train", shards, skip_bad=True)


def fork(root: str, output: Path, moment: int | None) -> tuple[bool, int]:
    """Builds in a child, which is killed at `moment`; returns (killed, images that it read)."""
    receive, send = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            count_down(moment, send)
            run(root, output)
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        reads = len(pipe.read())
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status), reads


def count_down(moment: int | None, pipe: int) -> None:
    """Makes the `moment`-th call of one of these the last."""
    calls = iter(range(10**6))

    def watched(function, is_read=False):
        def call(*args, **kwargs):
            if next(calls) == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            if is_read:
                os.write(pipe, b".")
            return function(*args, **kwargs)

        return call

    VocSource.read = watched(VocSource.read, is_read=True)
    os.replace, os.unlink = watched(os.replace), watched(os.unlink)


def seen(output: Path, old: dict, new: dict) -> str:
    """What a reader of the records finds."""
    pattern = f"{output}/toy-train*"
    try:
        names = {os.path.basename(path) for path in find_shards(pattern)}
    except UserError as error:
        return "none" if "no file matches" in str(error) else "refused"
    found = sums(output)
    shards = {name: found[name] for name in names}
    for state, content in (("old", old), ("new", new)):
        if shards == {name: content[name] for name in content if ".tfrecord" in name}:
            size = sum(os.path.getsize(path) for path in find_shards(pattern))
            entry = read_card(output / "toy.json").splits["train"]
            return state if entry["bytes"] == size else f"{state} with another card"
    return f"mixed: {sorted(names)}"


def sums(folder: Path) -> dict[str, str]:
    """Every file, hidden folders with theirs; name -> checksum."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
