"""Darknet's own files, which lie outside this repository."""

import pytest

from tests.golden.fixtures import FOLDER

DARKNET = FOLDER.parent / "data" / "darknet"
_REASON = f"no folder {DARKNET}; set YOLO_TF_FIXTURES to the folder `fixtures` beside `data`"

needs_darknet_data = pytest.mark.skipif(not DARKNET.is_dir(), reason=_REASON)


def cfg_files(exclude: tuple[str, ...] = ()):
    """pytest parameters: the best-known cfg files; a single skipped one where there is none."""
    return _parameters([*DARKNET.glob("cfg/*.cfg"), *DARKNET.glob("weights/*.cfg")], exclude)


def all_detectors():
    """pytest parameters: all of Darknet's cfg files of detectors, as `cfg_files`."""
    return _parameters(DARKNET.glob("all_cfgs/*.cfg"), ())


def _parameters(paths, exclude: tuple[str, ...]):
    paths = sorted(path for path in paths if path.name not in exclude)
    if paths:
        return [pytest.param(path, id=path.stem) for path in paths]
    return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=_REASON))]
