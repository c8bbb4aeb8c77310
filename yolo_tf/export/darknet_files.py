"""Detectors as Darknet's files: NAME.cfg, NAME.weights and NAME.names."""

from pathlib import Path

from yolo_tf.config import Config, YoloHeadConfig
from yolo_tf.darknet.head_recipe import section_kind, yolo_fields
from yolo_tf.darknet.recipe import net_fields, nms_fields
from yolo_tf.darknet.weights import Header, write_weights
from yolo_tf.darknet.writer import network_cfg
from yolo_tf.detector.detector import Detector
from yolo_tf.detector.from_darknet import read_beside
from yolo_tf.errors import UserError
from yolo_tf.export.trained import Trained
from yolo_tf.files import write_lines, write_text


def write(trained: Trained, folder: Path) -> list[Path]:
    """Writes the three files; makes their folder.

    Returns:
      The paths of cfg, weights and names.

    Raises:
      UserError: Darknet cannot express the model.
    """
    cfg, weights, names = (folder / f"{trained.name}.{end}" for end in ("cfg", "weights", "names"))
    text = _cfg_text(trained)
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(weights, trained.detector.network, Header(seen=trained.images_seen))
    write_lines(names, trained.detector.class_names)
    write_text(cfg, text)
    return [cfg, weights, names]


def read(folder: Path, config: Config, class_names: list[str]) -> Detector:
    """The detector of what `write` wrote, with input and suppression as in the recipe.

    Raises:
      UserError: there are no such files, or they are damaged.
    """
    del class_names  # in a file of their own
    cfgs = sorted(folder.glob("*.cfg"))
    if len(cfgs) != 1:
        raise UserError(f"{folder}: found {len(cfgs)} files *.cfg, expected one")
    detector, _ = read_beside(cfgs[0])
    detector.resize_method, detector.nms = config.data.resize, config.nms
    return detector


def _cfg_text(trained: Trained) -> str:
    """The cfg that the network was built from, or one written from its layers."""
    detector, config = trained.detector, trained.config
    if config.model.cfg:  # the run's copy, already for its classes and its input size
        return Path(config.model.cfg).read_text(encoding="utf-8")
    if not isinstance(config.head, YoloHeadConfig) or config.head.class_activation != "sigmoid":
        raise UserError("config.head: Darknet's [yolo] has no head like it; nothing was written")
    levels = yolo_fields(config.head, len(detector.class_names))
    fields = {stride: level | nms_fields(config.nms) for stride, level in levels.items()}
    settings = {"net_fields": net_fields(config), "output_kind": section_kind(config.head)}
    return network_cfg(detector.network, fields, config.input_size, **settings)
