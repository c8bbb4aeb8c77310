"""A detector from Darknet's files."""

from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.darknet.cfg import read_cfg
from yolo_tf.darknet.layer import Layer
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.darknet.recipe import apply_cfg
from yolo_tf.darknet.weights import Header, read_weights
from yolo_tf.data.records.label_map import read_names
from yolo_tf.detector.build import build_detector
from yolo_tf.detector.detector import Detector
from yolo_tf.errors import UserError
from yolo_tf.models.blocks import conv_layers


def read_darknet(cfg_path, weights_path, names_path) -> tuple[Detector, Config, Header, list[str]]:
    """The detector of a Darknet model.

    Args:
      cfg_path: the .cfg file.
      weights_path: the .weights file, whole.
      names_path: class-name file, a name a line.

    Returns:
      The detector, its recipe, the header of the weights, and remarks on what of the cfg has no
      use here.

    Raises:
      UserError: a file is missing, damaged or not supported, or they do not fit together.
    """
    config = Config()
    remarks = apply_cfg(config, cfg_path)
    layers = plan(read_cfg(cfg_path))
    names = read_names(names_path)
    level = outputs(layers)[0]
    if len(names) != level.classes:
        raise level.section.error(
            f"{names_path} has {len(names)} names, expected one for each class", "classes"
        )
    detector = build_detector(config, names)
    skip, skip_scales = _not_in_file(layers)
    header, count = read_weights(weights_path, detector.network, skip=skip, skip_scales=skip_scales)
    expected = len(conv_layers(detector.network)) - len(skip)
    if count < expected:
        raise UserError(
            f"{weights_path}: holds the first {count} of {expected} convolutions, not a whole"
            " model; train with it: scripts/train.py --config.transfer.source"
        )
    return detector, config, header, remarks


def read_beside(path: Path) -> tuple[Detector, Config]:
    """The detector of NAME.weights or NAME.cfg, with the other and NAME.names beside it."""
    files = [path.with_suffix(end) for end in (".cfg", ".weights", ".names")]
    for file in files:
        if not file.exists():
            raise UserError(
                f"{path}: needs {file.name} beside it; or name the files one by one:"
                " scripts/convert_darknet.py import"
            )
    return read_darknet(*files)[:2]


def _not_in_file(layers: list[Layer]) -> tuple[frozenset[int], frozenset[int]]:
    """Numbers of the convolutions with `dontload` and of those with `dontloadscales`."""
    layers = [layer for layer in layers if layer.conv >= 0]
    return tuple(
        frozenset(layer.conv for layer in layers if layer.section.integer(key, 0))
        for key in ("dontload", "dontloadscales")
    )
