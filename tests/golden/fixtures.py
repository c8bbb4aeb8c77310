"""Reads the reference numbers of other implementations (see docs/architecture.md, Golden tests)."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

_DEFAULT = Path(__file__).resolve().parents[2].parent / "shared" / "fixtures"
FOLDER = Path(os.environ.get("YOLO_TF_FIXTURES") or _DEFAULT)


def cases(*prefixes: str, exclude: tuple[str, ...] = ()):
    """Every fixture file whose name starts with one of `prefixes` and with none of `exclude`.

    Returns pytest parameters; a single skipped one, with the reason, where there is none.
    """
    paths = [
        path
        for path in sorted(FOLDER.glob("*.npz"))
        if path.name.startswith(prefixes) and not path.name.startswith(tuple(exclude) or "\0")
    ]
    if paths:
        return [pytest.param(path, id=path.stem) for path in paths]
    reason = f"no {'/'.join(prefixes)}*.npz in {FOLDER}; set YOLO_TF_FIXTURES to their folder"
    return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))]


def load(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """The arrays and the hyper-parameters (`meta_json`) of a fixture file."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    return arrays, json.loads(str(arrays.pop("meta_json")))
