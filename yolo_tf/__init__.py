"""yolo_tf: trains, evaluates and ships one-stage detectors with TensorFlow.

In Python (docs/python_api.py shows each at work):
  load              a trained run folder or an export -> what detects
  Detections        what was found in one image
  Config, build_detector   a recipe; a detector with random weights, a tf_keras model
  training_batches, validation_batches   records -> what `fit` takes
  save_run          a detector -> a run folder, which all commands take
"""

import importlib

from yolo_tf import moved_names

__version__ = "0.1.0"

# Name -> its module, imported when it is asked for: TensorFlow takes seconds.
_PUBLIC = {
    "Config": "config",
    "Detections": "detect.detections",
    "build_detector": "detector.build",
    "load": "loading",
    "save_run": "train.fitting",
    "training_batches": "train.fitting",
    "validation_batches": "train.fitting",
}
__all__ = [*_PUBLIC]

moved_names.register()


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
