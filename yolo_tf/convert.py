"""Models of others (Darknet, YOLOX) to run folders, and runs to Darknet's files."""

from pathlib import Path

from yolo_tf.config import Config
from yolo_tf.darknet_model import read_darknet
from yolo_tf.detector import Detector
from yolo_tf.export import darknet_files
from yolo_tf.loading import load_trained
from yolo_tf.train import checkpoint
from yolo_tf.train.run_folder import RunFolder
from yolo_tf.yolox_model import read_yolox


def import_darknet(cfg_path, weights_path, names_path, output) -> tuple[Detector, list[str]]:
    """Makes a run folder of a Darknet model: cfg, weights and class names.

    Args:
      cfg_path, weights_path, names_path: see `darknet_model.read_darknet`.
      output: folder to make; it must not hold a run.

    Returns:
      The detector, and remarks on what of the cfg has no use here.

    Raises:
      UserError: a file is missing, damaged or not supported, or they do not fit together.
    """
    run = RunFolder(output, flag="output")
    run.check_new()
    detector, config, header, remarks = read_darknet(cfg_path, weights_path, names_path)
    run.create(config, detector.class_names)
    state = checkpoint.State(images_before=header.seen)
    checkpoint.save(run.checkpoints, {"network": detector.network}, state, best=True)
    return detector, remarks


def import_yolox(config: Config, weights_path, names_path, output) -> Detector:
    """Makes a run folder of published weights of YOLOX.

    Args:
      config, weights_path, names_path: see `yolox_model.read_yolox`.
      output: folder to make; it must not hold a run.

    Returns:
      The detector.

    Raises:
      UserError: as `read_yolox`, or the folder holds a run.
    """
    run = RunFolder(output, flag="output")
    run.check_new()
    detector = read_yolox(config, weights_path, names_path)
    run.create(config, detector.class_names)
    checkpoint.save(run.checkpoints, {"network": detector.network}, checkpoint.State(), best=True)
    return detector


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
    return darknet_files.write(load_trained(model, which), Path(output))
