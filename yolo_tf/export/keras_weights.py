"""Detectors as Keras weights: an HDF5 file for the network that the recipe beside it builds."""

import errno
import os
import shutil
from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.detector.build import build_detector
from yolo_tf.detector.detector import Detector
from yolo_tf.errors import UserError
from yolo_tf.export.trained import Trained

_OVERHEAD = 1.1  # of a file, over its weights


def write(trained: Trained, path: Path) -> None:
    """Writes the weights, batch norm and all; `path` ends in .weights.h5.

    Raises:
      OSError: the disk has no room. h5py, which would notice, prints tracebacks from its
        destructors.
    """
    size = sum(weight.numpy().nbytes for weight in trained.detector.network.weights)
    if shutil.disk_usage(path.parent).free < _OVERHEAD * size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    trained.detector.network.save_weights(str(path))


def read(path: Path, config: Config, class_names: list[str]) -> Detector:
    """The detector of a recipe with the weights of a file.

    Raises:
      UserError: the file is damaged, or its weights are of another network.
    """
    detector = build_detector(config, class_names)
    try:
        detector.network.load_weights(str(path))
    except (OSError, ValueError, KeyError) as error:
        first = str(error).partition("\n")[0]
        raise UserError(f"{path}: not the weights of this network: {first}") from None
    return detector
