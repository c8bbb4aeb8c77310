"""Darknet models to model folders, and runs to Darknet's files."""

from pathlib import Path

from yolo_tf.build import build_detector
from yolo_tf.config import Config, YoloHeadConfig
from yolo_tf.darknet.cfg import read_cfg
from yolo_tf.darknet.head_recipe import yolo_fields
from yolo_tf.darknet.layer import Layer
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.darknet.recipe import apply_cfg, net_fields, nms_fields
from yolo_tf.darknet.weights import Header, read_weights, write_weights
from yolo_tf.darknet.writer import network_cfg
from yolo_tf.data.names import read_names
from yolo_tf.detector import Detector
from yolo_tf.errors import UserError
from yolo_tf.files import write_lines, write_text
from yolo_tf.loading import load_run
from yolo_tf.models.blocks import conv_layers
from yolo_tf.train import checkpoint
from yolo_tf.train.run_folder import RunFolder


def import_darknet(cfg_path, weights_path, names_path, output) -> tuple[Detector, list[str]]:
    """Makes a run folder of a Darknet model: cfg, weights and class names.

    Args:
      cfg_path: the .cfg file.
      weights_path: the .weights file, whole.
      names_path: class-name file, a name a line.
      output: folder to make; it must not hold a run.

    Returns:
      The detector, and remarks on what of the cfg has no use here.

    Raises:
      UserError: a file is missing, damaged or not supported, or they do not fit together.
    """
    run = RunFolder(output, flag="output")
    run.check_new()
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
    run.create(config, names)
    state = checkpoint.State(images_before=header.seen)
    checkpoint.save(run.checkpoints, {"network": detector.network}, state, best=True)
    return detector, remarks


def _not_in_file(layers: list[Layer]) -> tuple[frozenset[int], frozenset[int]]:
    """Numbers of the convolutions with `dontload` and of those with `dontloadscales`."""
    layers = [layer for layer in layers if layer.conv >= 0]
    return tuple(
        frozenset(layer.conv for layer in layers if layer.section.integer(key, 0))
        for key in ("dontload", "dontloadscales")
    )


def export_darknet(model, output, which: str = checkpoint.BEST) -> list[Path]:
    """Writes a run as NAME.cfg, NAME.weights and NAME.names; NAME is that of the run folder.

    Args:
      model: run folder.
      output: folder for the files.
      which: the "best" or the "last" checkpoint.

    Returns:
      The three paths.

    Raises:
      UserError: no run, or a model that Darknet cannot express.
    """
    detector, config = load_run(model, which)
    run = RunFolder(model)
    state = checkpoint.read_state(checkpoint.find(run.checkpoints, which))
    name = run.path.resolve().name
    paths = [Path(output) / f"{name}.{end}" for end in ("cfg", "weights", "names")]
    seen = state.images_before + state.step * config.train.batch_size
    text = _cfg_text(detector, config)
    write_weights(paths[1], detector.network, Header(seen=seen))
    write_lines(paths[2], detector.class_names)
    write_text(paths[0], text)
    return paths


def _cfg_text(detector: Detector, config: Config) -> str:
    """The cfg that the network was built from, or one written from its layers."""
    if config.model.cfg:  # the run's copy, already for its classes and its input size
        return Path(config.model.cfg).read_text(encoding="utf-8")
    if not isinstance(config.head, YoloHeadConfig) or config.head.class_activation != "sigmoid":
        raise UserError("config.head: Darknet's [yolo] has no head like it; nothing was written")
    levels = yolo_fields(config.head, len(detector.class_names))
    fields = {stride: level | nms_fields(config.nms) for stride, level in levels.items()}
    return network_cfg(detector.network, fields, config.input_size, net_fields(config))
