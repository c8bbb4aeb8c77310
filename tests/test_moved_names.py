"""Imports by the names that modules had before."""

import importlib
import subprocess
import sys

import pytest

import yolo_tf
from yolo_tf import moved_names

OLD = sorted(moved_names._MODULES)


@pytest.mark.parametrize("old", OLD)
def test_each_old_module_gives_the_names_of_the_new_ones(old):
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f"{old} is now yolo_tf") as warned:
        module = importlib.import_module(old)
    assert warned[0].filename == importlib.__file__  # of who imports, not of us
    for new in map(importlib.import_module, moved_names._MODULES[old]):
        public = [name for name, value in vars(new).items() if _is_own(name, value, new)]
        assert public or new.__name__ == "yolo_tf.analysis"
        assert all(hasattr(module, name) for name in public)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        module.nothing  # noqa: B018


def _is_own(name, value, module):
    return not name.startswith("_") and getattr(value, "__module__", "") == module.__name__


def test_names_that_programs_have_used():
    from yolo_tf.build import build_detector
    from yolo_tf.data.build import build
    from yolo_tf.data.pictures import read_picture
    from yolo_tf.detections import Detections
    from yolo_tf.detector import Detector
    from yolo_tf.evaluate.records import Detections as FoundBoxes
    from yolo_tf.export_model import export_model, table
    from yolo_tf.models.activations import mish

    assert build_detector is yolo_tf.build_detector
    assert Detections is yolo_tf.Detections
    assert FoundBoxes is importlib.import_module("yolo_tf.evaluate.matching").DetectionArrays
    assert Detector is importlib.import_module("yolo_tf.detector.detector").Detector
    assert all(map(callable, (export_model, table, mish, read_picture)))
    with pytest.raises(TypeError, match="missing 5 required positional arguments: 'source'"):
        build()


def test_a_module_that_never_was():
    with pytest.raises(ModuleNotFoundError, match=r"yolo_tf\.nothing"):
        importlib.import_module("yolo_tf.nothing")
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from yolo_tf.detector import nothing  # noqa: F401


def test_a_script_sees_the_warning_at_its_own_line():
    code = "import yolo_tf.data.names_file\nimport sys\nprint('tensorflow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
    assert "<string>:1: DeprecationWarning: yolo_tf.data.names_file is now" in run.stderr
