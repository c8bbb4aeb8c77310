"""What the shards of a build depend on: if it is unchanged, an interrupted build may resume."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import PIL

from yolo_tf.data.sources.base import Source

_VERSION = 1  # of the records: another one where the same data give other bytes


def build_key(source: Source, shards: int, output: Path, image_folder: Path | None) -> dict:
    """Settings as they are, data as sums: of the ids, and of name, size and time of every file.

    Reading all files again to sum up their contents would cost as much as building anew.

    Args:
      output: left out of the files where it lies among them.
    """
    ids = source.ids()
    key = {
        "version": _VERSION,
        "pillow": PIL.__version__,  # stores converted images
        "format": type(source).__name__,
        "settings": asdict(source.options),
        "shards": shards,
        "pictures": str(image_folder) if image_folder else "",
        "classes": source.class_names,
        "images": len(ids),
        "ids": _digest(ids),
        "files": files_digest(source.files(), output),
    }
    return json.loads(json.dumps(key))  # as it will be read back


def files_digest(paths: list[str], output: Path) -> str:
    """A sum over name, size and time of every file in or below `paths`, without `output`."""
    return _digest(_states(paths, output))


def _digest(items) -> str:
    total = hashlib.sha256()
    for item in items:
        total.update(item.encode("utf-8", errors="surrogateescape") + b"\n")
    return total.hexdigest()


def _states(paths: list[str], output: Path) -> Iterator[str]:
    """A line for every file in or below `paths`; links are followed, loops of them not."""
    skipped = {os.path.realpath(output)}
    for path in sorted(map(str, paths)):
        if not os.path.isdir(path):
            yield _state(path)
            continue
        for folder, folders, names in os.walk(path, followlinks=True):
            real = os.path.realpath(folder)
            if real in skipped:
                folders.clear()
                continue
            skipped.add(real)
            folders.sort()
            for name in sorted(names):
                yield _state(os.path.join(folder, name))


def _state(path: str) -> str:
    try:
        found = os.stat(path)
    except OSError as error:
        return f"{path!r} {error.errno}"
    return f"{path!r} {found.st_size} {found.st_mtime_ns}"
